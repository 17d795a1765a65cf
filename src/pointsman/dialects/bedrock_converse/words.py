"""The dialect's own words: its name, and what its values are called in canonical terms.

Shapes and words are those of botocore's model of `bedrock-runtime`, version 2023-09-30, and of its pages
(docs.aws.amazon.com/bedrock/latest/APIReference).
"""

from pointsman.canon.errors import FaultKind
from pointsman.canon.events import StopReason

NAME = "bedrock_converse"

REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "content_filtered": "refusal",
    "guardrail_intervened": "refusal",
    "model_context_window_exceeded": "context_window",
}

FAILED = frozenset({"malformed_model_output", "malformed_tool_use"})
"""What else it says; a turn that nobody can use."""

STOPS: dict[StopReason, str] = {
    "end": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "content_filtered",
    "context_window": "model_context_window_exceeded",
    "pause": "end_turn",
    "other": "end_turn",
}

KINDS: dict[str, FaultKind] = {
    "validationexception": "invalid_request",
    "accessdeniedexception": "permission",
    "expiredtokenexception": "authentication",
    "incompletesignatureexception": "authentication",
    "invalidsignatureexception": "authentication",
    "missingauthenticationtokenexception": "authentication",
    "unrecognizedclientexception": "authentication",
    "resourcenotfoundexception": "not_found",
    "servicequotaexceededexception": "rate_limit",
    "throttlingexception": "rate_limit",
    "modelnotreadyexception": "overloaded",
    "serviceunavailableexception": "overloaded",
    "modeltimeoutexception": "timeout",
    "internalserverexception": "api",
    "modelerrorexception": "api",
    "modelstreamerrorexception": "api",
}
"""Exceptions in lower case: an answer's header says `ThrottlingException`, a stream `throttlingException`.
The signature's own are common to all of AWS (docs.aws.amazon.com, "Common Errors")."""

ERRORS: dict[FaultKind, str] = {
    "invalid_request": "ValidationException",
    "authentication": "UnrecognizedClientException",
    "billing": "AccessDeniedException",
    "permission": "AccessDeniedException",
    "not_found": "ResourceNotFoundException",
    "too_large": "ValidationException",
    "rate_limit": "ThrottlingException",
    "overloaded": "ServiceUnavailableException",
    "timeout": "ModelTimeoutException",
    "api": "InternalServerException",
}

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""The efforts that `outputConfig` has, lowest first."""

TIERS = ("priority", "default", "flex", "reserved")

NAME_LIMIT = 64
"""Characters of a tool's name and of a call's id."""
NAME_CHARSET = "a-zA-Z0-9_-"
ID_CHARSET = "a-zA-Z0-9_.:-"

FREE_TEXT = "__free_text"
"""Ends the sent name of a tool that takes free text; here it is a function with one string, `input`."""

MALFORMED = "malformed_arguments"
"""The one member of a tool call's `input` where the model's arguments were not JSON: the text as it was."""

"""The dialect's own words: its name, and what its values are called in canonical terms."""

from pointsman.canon.errors import FaultKind
from pointsman.canon.events import StopReason

NAME = "anthropic"

VERSION = "2023-06-01"
"""The `anthropic-version` that every compatible server takes; docs.claude.com/en/api/versioning."""

REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
"""docs.claude.com/en/api/handling-stop-reasons."""

STOPS: dict[StopReason, str] = {
    **{canonical: wire for wire, canonical in REASONS.items()},
    "other": "end_turn",
}

KINDS: dict[str, FaultKind] = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "billing_error": "billing",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
    "api_error": "api",
}
"""docs.claude.com/en/api/errors."""

CLOUD_KINDS: dict[str, FaultKind] = {
    "validationexception": "invalid_request",
    "throttlingexception": "rate_limit",
    "serviceunavailableexception": "overloaded",
    "modelnotreadyexception": "overloaded",
    "modeltimeoutexception": "timeout",
}
"""Exceptions among the events of Amazon's InvokeModelWithResponseStream, in lower case; others are `api`."""

ERRORS: dict[FaultKind, str] = {kind: wire for wire, kind in KINDS.items()}

EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""The efforts that the dialect has, lowest first."""

NAME_LIMIT = 128
"""Characters of a tool's name; the API's own pattern is `^[a-zA-Z0-9_-]{1,128}$`."""
NAME_CHARSET = "a-zA-Z0-9_-"
"""What tool names and tool-call ids may hold."""

MALFORMED = "malformed_arguments"
"""The one member of a tool call's `input` where the model's arguments were not JSON: the text as it was."""

"""The dialect's own words: its name, and what its values are called in canonical terms."""

from pointsman.canon.errors import FaultKind
from pointsman.canon.events import StopReason

NAME = "gemini"

NAME_LIMIT = 128
"""Characters of a function's name (ai.google.dev, "FunctionDeclaration")."""
NAME_CHARSET = "a-zA-Z0-9_.:-"
"""What function names may hold; they begin with a letter or an underscore (same page)."""

SIGNATURE = "thoughtSignature"
"""The member of a part that holds opaque state (ai.google.dev, "Thought signatures")."""

MADE = "call_unnamed_"
"""How the ids begin that stand in for those which upstreams and clients leave out; never sent to them."""

FREE_TEXT = "__free_text"
"""Ends the sent name of a tool that takes free text; here it is a function with one string, `input`."""

MALFORMED = "malformed_arguments"
"""The one member of a call's `args` where the arguments were no JSON object: the text as it was."""

REASONS: dict[str, StopReason] = {
    "STOP": "end",
    "MAX_TOKENS": "max_tokens",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "LANGUAGE": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
    "IMAGE_RECITATION": "refusal",
    "ESCALATION": "refusal",
    "PUP_LIMITED_DISABLED": "refusal",
    "MODEL_ARMOR": "refusal",
    "CONTINUATION": "max_tokens",
}
"""ai.google.dev, "FinishReason"; every other word is `other`."""

FAILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
    }
)
"""Of these, the words for a turn that nobody can use."""

FINISHES: dict[StopReason, str] = {
    "end": "STOP",
    "max_tokens": "MAX_TOKENS",
    "stop_sequence": "STOP",
    "tool_use": "STOP",
    "pause": "STOP",
    "refusal": "SAFETY",
    "context_window": "MAX_TOKENS",
    "other": "OTHER",
}
"""What this dialect's clients are told."""

STATUSES: dict[str, FaultKind] = {
    "INVALID_ARGUMENT": "invalid_request",
    "FAILED_PRECONDITION": "invalid_request",
    "OUT_OF_RANGE": "invalid_request",
    "UNIMPLEMENTED": "invalid_request",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    "INTERNAL": "api",
    "UNKNOWN": "api",
    "ABORTED": "api",
    "CANCELLED": "api",
}
"""google.rpc.Code as `status` says it (ai.google.dev, "Troubleshooting"; cloud.google.com, "Errors")."""

KINDS: dict[FaultKind, tuple[int, str]] = {
    "invalid_request": (400, "INVALID_ARGUMENT"),
    "authentication": (401, "UNAUTHENTICATED"),
    "billing": (402, "FAILED_PRECONDITION"),
    "permission": (403, "PERMISSION_DENIED"),
    "not_found": (404, "NOT_FOUND"),
    "too_large": (413, "INVALID_ARGUMENT"),
    "rate_limit": (429, "RESOURCE_EXHAUSTED"),
    "overloaded": (503, "UNAVAILABLE"),
    "timeout": (504, "DEADLINE_EXCEEDED"),
    "api": (500, "INTERNAL"),
}
"""The status code and word of an error that came in another dialect, or inside a stream."""

"""The error envelope of OpenAI's APIs: what upstreams send, and what clients are told.

It is `{"error": {"message", "type", "param", "code"}}` (platform.openai.com, "Error codes"). Servers that are
only compatible send strings, `{"detail": …}` (FastAPI), `{"message": …}`, arrays (Google), web pages, or
nothing.
"""

import re
from typing import Any, cast

from pointsman.canon.errors import Fault, FaultKind, MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.faults import plain_message
from pointsman.wire.json import decode_object, encode

OVERFLOW = "context_length_exceeded"
"""The code by which clients know that the conversation is too long."""

_BY_STATUS: dict[int, FaultKind] = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limit",
    500: "api",
    502: "api",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_BY_WORD: dict[str, FaultKind] = {
    "authentication_error": "authentication",
    "invalid_api_key": "authentication",
    "billing_hard_limit_reached": "billing",
    "insufficient_quota": "billing",
    "insufficient_balance": "billing",
    "permission_error": "permission",
    "permission_denied": "permission",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "resource_exhausted": "rate_limit",
    "tokens": "rate_limit",
    "requests": "rate_limit",
    "overloaded_error": "overloaded",
    "service_unavailable_error": "overloaded",
    "unavailable": "overloaded",
    "timeout_error": "timeout",
    "deadline_exceeded": "timeout",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    OVERFLOW: "invalid_request",
    "invalid_prompt": "invalid_request",
    "invalid_request_error": "invalid_request",
    "invalid_argument": "invalid_request",
    "server_error": "api",
}
"""What stands in `code`, `type` or `status` → kind."""

_TYPES: dict[FaultKind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "billing": "insufficient_quota",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "overloaded": "service_unavailable_error",
    "timeout": "timeout_error",
    "api": "server_error",
}
STATUSES: dict[FaultKind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 504,
    "api": 502,
}
_OVERFLOW = re.compile(
    r"context[ _](?:length|window|size)|prompt is too long|maximum context|too many tokens|input is too long",
    re.IGNORECASE,
)


def parse_error(status: int, body: bytes, dialect: str) -> Fault:
    """The error in a response; any body, HTML and empty ones too."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("["):
        text = text.removeprefix("[").removesuffix("]").strip()
    if text.startswith("{"):
        try:
            return fault_in(decode_object(text.encode()), dialect, status)
        except MalformedError:
            pass
    return Fault(
        _BY_STATUS.get(status, _family(status)), plain_message(text, status), status, dialect=dialect
    )


def fault_in(envelope: Json, dialect: str, status: int | None = None) -> Fault:
    """The error in an envelope; `status` is None inside a stream, whose head said 200."""
    error = envelope.get("error")
    if isinstance(error, str):
        fields: Json = {**envelope, "message": error}
    elif isinstance(error, dict):
        fields = cast("Json", error)
    else:
        fields = envelope
    code, word = fields.get("code"), fields.get("type") or fields.get("status")
    said = status if status is not None and status >= 400 else _status_in(fields)
    kind = "invalid_request" if _is_flagged(fields) else _kind(code, word, said)
    message = _message(fields) or "the upstream reports an error without saying which"
    if kind == "invalid_request" and code is None and _OVERFLOW.search(message):
        code = OVERFLOW
    return Fault(
        kind=kind,
        message=message,
        status=said or STATUSES[kind],
        code=None if code is None else str(code),
        param=_text(fields.get("param")),
        raw=envelope,
        dialect=dialect,
    )


def _is_flagged(fields: Json) -> bool:
    """Whether a moderator refused the prompt, which says nothing of the key.

    openrouter.ai/docs/api/reference/errors-and-debugging: a 403 with `metadata.reasons` and `flagged_input`.
    """
    metadata = fields.get("metadata")
    return isinstance(metadata, dict) and ("flagged_input" in metadata or "reasons" in metadata)


def _status_in(fields: Json) -> int | None:
    code = fields.get("code")
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _kind(code: Any, word: Any, status: int | None) -> FaultKind:
    """By the exact word first: quota shares its status with rate limits."""
    found = _BY_WORD.get(str(code).lower())
    if found is not None:
        return found
    if status is not None and status in _BY_STATUS and status != 400:
        return "billing" if status == 429 and word == "insufficient_quota" else _BY_STATUS[status]
    return _BY_WORD.get(str(word).lower()) or ("api" if status is None else _family(status))


def _family(status: int) -> FaultKind:
    return "invalid_request" if 400 <= status < 500 else "api"


def _message(fields: Json) -> str | None:
    for key in ("message", "detail", "error_description", "msg"):
        value = fields.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list | dict) and value:
            return encode(cast("object", value)).decode()
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def code_of(fault: Fault, dialect: str) -> str | None:
    """The error's code, as clients of `dialect` know it: another one's overflow gets their word."""
    foreign = fault.dialect != dialect and fault.kind in {"invalid_request", "too_large"}
    return OVERFLOW if foreign and _OVERFLOW.search(fault.message) else fault.code


def render_error(fault: Fault, request_id: str, dialect: str) -> dict[str, Any]:
    """The body of an error; `request_id` and `details` stand beside the API's own members."""
    error: dict[str, Any] = {
        "message": fault.message,
        "type": type_of(fault, dialect),
        "param": fault.param,
        "code": code_of(fault, dialect),
    }
    if fault.details is not None:
        error["details"] = fault.details
    if request_id:
        error["request_id"] = request_id
    return {"error": error}


def type_of(fault: Fault, dialect: str) -> str:
    """The error's type: the upstream's own word, where it speaks this dialect."""
    error = fault.raw.get("error") if fault.dialect == dialect and fault.raw is not None else None
    own = _text(cast("Json", error).get("type")) if isinstance(error, dict) else None
    return own or _TYPES[fault.kind]

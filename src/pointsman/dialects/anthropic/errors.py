"""Errors: the dialect's envelope, parsed and rendered.

`{"type": "error", "error": {"type", "message", "details"?}, "request_id"}`; platform.claude.com, "Errors".
"""

from http import HTTPStatus
from typing import Any, cast

from pointsman.canon.errors import Fault, FaultKind
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.words import CLOUD_KINDS, ERRORS, KINDS, NAME
from pointsman.dialects.faults import body_object, error_object, kind_of, message_of, retry_after, text_of
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

STATUSES: dict[FaultKind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 529,
    "timeout": 504,
    "api": 500,
}
"""The status of an error that came inside a stream."""

_TOO_LONG = "prompt is too long"
_OUT_OF_CREDIT = "credit balance is too low"
"""What Anthropic says of an empty account in an `invalid_request_error`, with a 400
(github.com/anthropics/claude-code/issues/66314)."""
_LENGTH_CODES = ("context_length_exceeded", "model_context_window_exceeded")
"""Codes of other dialects for what clients of this one know by its wording alone."""


def parse_error(status: int, headers: Headers, body: bytes) -> Fault:
    """The error in an answer of any form."""
    whole = body_object(body)
    error = None if whole is None else error_object(whole)
    return _fault(whole, error, status, message_of(error, body, status), retry_after(headers))


def parse_event(event: Json) -> Fault:
    """The error in an `error` event, whose status is known from its type alone."""
    error = error_object(event)
    kind = _kind(error) or "api"
    status = STATUSES[kind]
    return _fault(event, error, status, message_of(error, encode(event), status), None)


def _kind(error: Json | None) -> FaultKind | None:
    type = text_of(error, "type") or ""
    return KINDS.get(type) or CLOUD_KINDS.get(type.lower())


def _fault(whole: Json | None, error: Json | None, status: int, message: str, wait: float | None) -> Fault:
    details = None if error is None else error.get("details")
    held = cast("Json", details) if isinstance(details, dict) else None
    code = text_of(held, "error_code") or text_of(error, "code") or text_of(error, "type")
    kind = _kind(error) or kind_of(status)
    return Fault(
        kind="billing" if status == HTTPStatus.BAD_REQUEST and _OUT_OF_CREDIT in message else kind,
        message=message,
        status=status,
        code=code,
        param=text_of(error, "param"),
        retry_after=wait,
        details=held,
        raw=whole,
        dialect=NAME if whole is not None and whole.get("type") == "error" else None,
    )


def render_error(fault: Fault, request_id: str) -> Json:
    """The body for an error; one of this dialect goes out as it came."""
    if fault.dialect == NAME and fault.raw is not None:
        return fault.raw if fault.raw.get("request_id") else {**fault.raw, "request_id": request_id or None}
    error: dict[str, Any] = {"type": ERRORS[fault.kind], "message": _wording(fault)}
    details: dict[str, Any] = {} if fault.code is None else {"error_code": fault.code}
    details.update(fault.details or {})
    if fault.param is not None:
        details["param"] = fault.param
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": request_id or None}


def error_frame(fault: Fault, request_id: str) -> bytes:
    """The frame that ends a stream which failed."""
    return frame(encode(render_error(fault, request_id)), "error")


def _wording(fault: Fault) -> str:
    """Clients shorten their history when they read that the prompt is too long."""
    if fault.code in _LENGTH_CODES and _TOO_LONG not in fault.message:
        return f"{_TOO_LONG}: {fault.message}"
    return fault.message

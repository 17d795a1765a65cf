"""Errors: an exception's name in a header field, and what it says in the body.

`x-amzn-errortype: ThrottlingException:http://…` with `{"message": …}`; some front ends name it as `__type`
within the body (smithy.io, "AWS REST JSON 1.0", operation error serialization). In a stream it is an event.
"""

import re
from typing import Any, cast

from pointsman.canon.errors import Fault, FaultKind
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.words import ERRORS, KINDS, NAME
from pointsman.dialects.faults import body_object, kind_of, plain_message, retry_after, text_of
from pointsman.wire.event_frames import exception_frame
from pointsman.wire.headers import Headers, first

STATUSES: dict[FaultKind, int] = {
    "invalid_request": 400,
    "authentication": 403,
    "permission": 403,
    "not_found": 404,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 408,
    "api": 500,
}
"""The status of an exception that came inside a stream."""
TYPE_HEADER = "x-amzn-errortype"

_TOO_LONG = re.compile(
    r"(input|prompt) is too long|too many input tokens|context (length|window)", re.IGNORECASE
)
LENGTH_CODE = "context_length_exceeded"
"""What other dialects' clients know such an error by; here it has no name of its own."""


def parse_error(status: int, headers: Headers, body: bytes) -> Fault:
    """The error in an answer of any form."""
    whole = body_object(body)
    type = _plain(first(headers, TYPE_HEADER) or text_of(whole, "__type") or text_of(whole, "code") or "")
    told = None if whole is None else _message(whole)
    message = told or plain_message(body.decode(errors="replace").strip(), status)
    return _fault(type, message, status, whole, wait=retry_after(headers))


def parse_event(event: Json) -> Fault:
    """The error in an `error` event, whose status is known from its name alone."""
    error = event.get("error")
    inner = cast("Json", error) if isinstance(error, dict) else event
    type = _plain(text_of(inner, "type") or "")
    kind = KINDS.get(type.lower(), "api")
    message = _message(inner) or f"the backend reported `{type or 'an error'}` without a word"
    return _fault(type, message, STATUSES[kind], event, wait=None)


def _plain(type: str) -> str:
    """An exception's name without the namespace before it and the address behind it."""
    return type.partition(":")[0].rpartition("#")[2].strip()


def _message(error: Json) -> str | None:
    return text_of(error, "message") or text_of(error, "Message") or text_of(error, "errorMessage")


def _fault(type: str, message: str, status: int, raw: Json | None, *, wait: float | None) -> Fault:
    kind = KINDS.get(type.lower()) or kind_of(status)
    code = LENGTH_CODE if kind == "invalid_request" and _TOO_LONG.search(message) else type or None
    return Fault(
        kind=kind,
        message=message,
        status=status,
        code=code,
        retry_after=wait,
        raw=raw,
        dialect=NAME if raw is not None and type else None,
    )


def render_error(fault: Fault, request_id: str) -> Json:
    """The body for an error; one of this dialect goes out as it came."""
    if fault.dialect == NAME and fault.raw is not None:
        return fault.raw
    error: dict[str, Any] = {"__type": ERRORS[fault.kind], "message": fault.message}
    return {**error, "requestId": request_id} if request_id else error


def error_frame(fault: Fault, request_id: str) -> bytes:
    """The frame that ends a stream which failed."""
    name = fault.code if fault.dialect == NAME and fault.code else ERRORS[fault.kind]
    return exception_frame(name, fault.message)

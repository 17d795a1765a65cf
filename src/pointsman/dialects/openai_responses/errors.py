"""Errors: what upstreams send, and what clients are told.

A response's body is the envelope of all of OpenAI's APIs. A stream fails with an `error` event, on which the
SDKs raise where it has the member `error` (openai-python, `_streaming.py`), and then with `response.failed`,
which is what Codex reads: it goes by `response.error.code`, and by the words "try again in" (codex-rs,
`codex-api/src/sse`).
"""

from typing import Any, cast

from pointsman.canon.errors import Fault, FaultKind
from pointsman.canon.events import MessageStart
from pointsman.canon.json import Json
from pointsman.dialects import error_envelope
from pointsman.dialects.dialect import Asked
from pointsman.dialects.openai_responses.response import Head
from pointsman.dialects.openai_responses.words import NAME
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

_CODES: dict[FaultKind, str] = {
    "invalid_request": "invalid_prompt",
    "authentication": "invalid_prompt",
    "permission": "invalid_prompt",
    "not_found": "invalid_prompt",
    "too_large": error_envelope.OVERFLOW,
    "billing": "insufficient_quota",
    "rate_limit": "rate_limit_exceeded",
    "overloaded": "server_is_overloaded",
    "timeout": "server_error",
    "api": "server_error",
}
"""What clients know in `response.error.code`; they ask again after those that are no fault of the request."""
_AGAIN = "try again in"


def parse_error(status: int, headers: Headers, body: bytes) -> Fault:
    """The error in a response; any body, HTML and empty ones too."""
    return error_envelope.parse_error(status, body, NAME)


def event_fault(event: Json) -> Fault:
    """The error in an `error` event, in either of its forms; its members may stand beside its type."""
    if isinstance(event.get("error"), dict | str):
        return error_envelope.fault_in(event, NAME)
    return error_envelope.fault_in({**event, "type": None}, NAME)


def failed_fault(response: Json) -> Fault:
    """The error of a response that failed."""
    error = response.get("error")
    fields: Json = cast("Json", error) if isinstance(error, dict) else {}
    return error_envelope.fault_in({"error": {"type": fields.get("code"), **fields}}, NAME)


def render_error(fault: Fault, request_id: str) -> dict[str, Any]:
    """The body of an error."""
    return error_envelope.render_error(fault, request_id, NAME)


def error_frame(fault: Fault, request_id: str) -> bytes:
    """The frames that end a stream which failed, of an answer of which nothing is known."""
    return error_frames(fault, Head(MessageStart(), Asked("", request_id, 0)), 0, [])


def error_frames(fault: Fault, head: Head, number: int, output: list[Any]) -> bytes:
    """The frames that end a stream which failed; `number` is the first one's."""
    return _frames(fault, number, head.at("failed", output, error=_error(fault)))


def frames_after(fault: Fault, number: int, begun: Json, request_id: str) -> bytes:
    """The same behind a stream of another's, whose response began like this."""
    blank = Head(MessageStart(), Asked("", request_id, 0)).at("failed", [], error=_error(fault))
    return _frames(fault, number, {**blank, **begun, "status": "failed", "error": _error(fault)})


def _error(fault: Fault) -> Json:
    return {"code": _code(fault), "message": _message(fault)}


def _frames(fault: Fault, number: int, response: Json) -> bytes:
    said = {
        "code": error_envelope.code_of(fault, NAME) or _code(fault),
        "message": _message(fault),
        "param": fault.param,
    }
    # The reference has the members beside the type, the API sends them in `error`, and SDKs read either.
    nested = {"type": error_envelope.type_of(fault, NAME), **said}
    error = {"type": "error", "sequence_number": number, **said, "error": nested}
    failed = {"type": "response.failed", "sequence_number": number + 1, "response": response}
    return frame(encode(error), "error") + frame(encode(failed), "response.failed")


def _code(fault: Fault) -> str:
    code = error_envelope.code_of(fault, NAME)
    own = fault.dialect == NAME or code == error_envelope.OVERFLOW
    return code if own and code is not None else _CODES[fault.kind]


def _message(fault: Fault) -> str:
    """The message, with when to come back, where that is known."""
    if fault.retry_after is None or fault.kind != "rate_limit" or _AGAIN in fault.message:
        return fault.message
    return f"{fault.message.rstrip('.')}. Please {_AGAIN} {fault.retry_after:g}s."

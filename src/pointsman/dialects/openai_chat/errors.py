"""Errors: what upstreams send, and what clients are told. The envelope is the one of all of OpenAI's APIs."""

from typing import Any

from pointsman.canon.errors import Fault
from pointsman.canon.json import Json
from pointsman.dialects import error_envelope
from pointsman.dialects.openai_chat.words import BROKEN_OFF, NAME
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

_FILTERED = "function_call_filter:"
"""How Google's server of this API says that a call came to nothing."""


def parse_error(status: int, headers: Headers, body: bytes) -> Fault:
    """The error in a response; any body, HTML and empty ones too."""
    return error_envelope.parse_error(status, body, NAME)


def fault_in(chunk: Json) -> Fault:
    """The error in a stream, whose head said 200."""
    return error_envelope.fault_in(chunk, NAME)


def failed(choice: Json) -> Fault | None:
    """The failure that a choice ends in, for what its `finish_reason` says; None if it is no failure."""
    word = choice.get("finish_reason")
    if word == "error":
        return error_envelope.fault_in(choice, NAME)
    if isinstance(word, str) and word.startswith(_FILTERED):
        message = f"the model made a call that nobody can read ({word}); ask again"
        return Fault("api", message, error_envelope.STATUSES["api"], raw=choice, dialect=NAME)
    if word != BROKEN_OFF:
        return None
    message = "the upstream ran out of resources in mid-answer; ask again, or choose another model"
    return Fault(
        "overloaded",
        message,
        error_envelope.STATUSES["overloaded"],
        code=BROKEN_OFF,
        raw=choice,
        dialect=NAME,
    )


def render_error(fault: Fault, request_id: str) -> dict[str, Any]:
    """The body of an error."""
    return error_envelope.render_error(fault, request_id, NAME)


def error_frame(fault: Fault, request_id: str) -> bytes:
    """The frame that ends a stream which failed; no `[DONE]` follows."""
    return frame(encode(render_error(fault, request_id)))

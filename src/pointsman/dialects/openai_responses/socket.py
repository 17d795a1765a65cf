"""Responses over a WebSocket (developers.openai.com/api/docs/guides/websocket-mode).

A message is `response.create` with the body of a request; the answer is the events of its stream, one message
each. `stream_id` names a lane. What an error looks like is on the same page; `headers` are what Codex reads
beside it (openai/codex, codex-rs/codex-api/src/endpoint/responses_websocket.rs).
"""

import re
from math import ceil
from typing import Any, Literal, cast

from pointsman.canon.errors import Fault, MalformedError, RequestError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.dialects.socketed import Refusal, Socketed, Turn
from pointsman.wire.fields import as_text
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_part, encode

CREATE, STEER = "response.create", "response.steer"
_PROCESSED = "response.processed"
"""Codex's word that it has read an answer; wants none."""
_ENVELOPE = frozenset({"type", "stream_id", "generate", "stream", "background"})
_BETA, _FEATURE = "openai-beta", "responses_websockets"
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_TYPE = re.compile(rb'\s*\{\s*"type"\s*:\s*"([^"\\]*)"')
_ENDS: dict[str, Literal["well", "badly"]] = {
    "response.completed": "well",
    "response.incomplete": "well",
    "response.failed": "badly",
    "error": "badly",
}
_OUTLIVED = "websocket_connection_limit_reached"
_FORGOTTEN = "previous_response_not_found"
_NOT_TOLD = ("content-", "x-pointsman-", "date", "server", "connection", "keep-alive", "via", "vary")
"""Header fields of an error that say nothing in a message."""
_EXPIRED = Fault(
    "invalid_request",
    "Responses websocket connection limit reached (60 minutes). Create a new websocket connection to "
    "continue.",
    400,
    code="websocket_connection_limit_reached",
)
_CROWDED = Fault(
    "invalid_request",
    "This WebSocket connection has reached its maximum number of distinct stream IDs (32). Reuse an existing "
    "stream_id or open a new WebSocket connection.",
    400,
    code="websocket_stream_limit_reached",
    param="stream_id",
)


def _fields(headers: Headers) -> Headers:
    """Without the word that asks for a WebSocket: a turn is a request like any other."""
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        if name == _BETA:
            features = [each for each in value.split(",") if not each.strip().startswith(_FEATURE)]
            if features:
                kept.append((name, ",".join(features).strip()))
        else:
            kept.append((name, value))
    return tuple(kept)


def _lane(message: Json) -> str | None:
    """Raises RequestError."""
    lane = message.get("stream_id")
    if lane is None or (isinstance(lane, str) and _LANE.fullmatch(lane)):
        return lane
    raise RequestError(
        "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain "
        "letters, numbers, underscores, hyphens, and periods.",
        code="invalid_stream_id",
        param="stream_id",
    )


def _turn(message: Json) -> Turn:
    """Raises RequestError."""
    kind = as_text(message.get("type"), "type")
    if kind == _PROCESSED:
        return Turn("nothing")
    if kind == STEER:
        return Turn("refused", answer=encode(_not_steered(message)))
    if kind != CREATE:
        raise MalformedError(f"`type` must be `{CREATE}`, not: {kind}", param="type")
    if message.get("background"):
        raise UnsupportedError(
            "`background` is not served over a WebSocket; leave it out", param="background"
        )
    generates = message.get("generate")
    if generates is not None and not isinstance(generates, bool):
        raise MalformedError("`generate` must be true or false", param="generate")
    members = {name: value for name, value in message.items() if name not in _ENVELOPE}
    return Turn("prepare" if generates is False else "create", {**members, "stream": True}, _lane(message))


def _not_steered(message: Json) -> Json:
    steer = {name: message.get(name) for name in ("input", "previous_response_id")}
    error = {
        "type": "invalid_request_error",
        "code": "steering_not_supported",
        "message": "pointsman cannot steer an answer under way; send it as the next turn",
    }
    return {"type": "response.steer.failed", "sequence_number": 0, "error": error, "steer": steer}


def _event(data: bytes, lane: str | None) -> bytes:
    """An error of the stream gets the form that errors have here."""
    if _end(data) == "badly" and (error := _stream_error(data)) is not None:
        return encode(_with_lane(error, lane))
    if lane is None:
        return data
    rest = data.lstrip()[1:].lstrip()
    comma = b"" if rest.startswith(b"}") else b","
    return b'{"stream_id":' + encode(lane) + comma + rest


def _stream_error(data: bytes) -> Json | None:
    """An `error` event as a message; None for anything else."""
    try:
        event = decode_part(data)
    except MalformedError:
        return None
    if event.get("type") != "error":
        return None
    nested = event.get("error")
    said = cast("Json", nested) if isinstance(nested, dict) else event
    error = {name: said.get(name) for name in ("code", "message", "param")}
    kind: Any = said.get("type")
    error = {"type": "server_error" if said is event or kind is None else kind, **error}
    return {"type": "error", "status": _status(event), "error": _coded(error)}


def _status(event: Json) -> int:
    """What an error would be over HTTP."""
    status = event.get("status")
    return status if isinstance(status, int) and 400 <= status < 600 else 500


def _coded(error: dict[str, Any]) -> Json:
    """The error with a code, which each must have here (Open Responses, `WebSocketErrorEvent`)."""
    return error if isinstance(error["code"], str) else {**error, "code": error["type"]}


def _end(data: bytes) -> Literal["well", "badly"] | None:
    first = _TYPE.match(data)
    return _ENDS.get(first[1].decode("latin-1") if first else str(_type(data)))


def _type(data: bytes) -> object:
    """The type of an event that does not begin with it."""
    try:
        return decode_part(data).get("type")
    except MalformedError:
        return None


def _error(fault: Fault, lane: str | None, headers: Headers = ()) -> bytes:
    said = None if fault.raw is None else fault.raw.get("error")
    error = {
        "type": "invalid_request_error" if fault.status < 500 else "server_error",
        "code": fault.code,
        "message": fault.message,
        "param": fault.param,
        **(cast("Json", said) if isinstance(said, dict) else {}),
    }
    message: Json = {"type": "error", "status": fault.status, "error": _coded(error)}
    told = {name: value for name, value in headers if not name.startswith(_NOT_TOLD)}
    if fault.retry_after is not None:
        told.setdefault("retry-after", str(max(0, ceil(fault.retry_after))))
    return encode(_with_lane({**message, "headers": told} if told else message, lane))


def _message(body: Json) -> bytes:
    own = {name: value for name, value in body.items() if name not in {"stream", "background"}}
    return encode({"type": CREATE, **own})


def _refusal(message: bytes) -> Refusal | None:
    if _end(message) != "badly":
        return None
    try:
        event = decode_part(message)
    except MalformedError:
        return None
    if event.get("type") != "error":
        return None
    nested = event.get("error")
    error = cast("Json", nested) if isinstance(nested, dict) else {**event, "type": "server_error"}
    given = event.get("headers")
    fields: Json = cast("Json", given) if isinstance(given, dict) else {}
    headers = tuple((str(name).lower(), str(value)) for name, value in fields.items())
    return Refusal(
        status=_status(event),
        headers=(*headers, ("content-type", "application/json")),
        body=encode({"error": error}),
        outlived=error.get("code") == _OUTLIVED,
        forgotten=error.get("code") == _FORGOTTEN,
    )


def _with_lane(message: Json, lane: str | None) -> Json:
    return message if lane is None else {**message, "stream_id": lane}


SOCKETED = Socketed(
    path="/responses",
    fields=_fields,
    lane=_lane,
    turn=_turn,
    event=_event,
    error=_error,
    ends=_end,
    message=_message,
    refusal=_refusal,
    expired=_EXPIRED,
    crowded=_CROWDED,
    seconds=3600.0,
    lanes=32,
    running=16,
)

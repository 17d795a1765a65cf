"""The messages of an AWS event stream as server-sent events, so that all that comes behind reads one framing.

An event's name is its `:event-type`, its data the payload as it stands. A `chunk`
(InvokeModelWithResponseStream) holds an event of the model's own dialect in base64: that one goes on, byte
for byte, under its own `type`. An exception becomes an `error` event that names it (docs.aws.amazon.com,
"ConverseStream", "ResponseStream").
"""

from base64 import b64decode

import msgspec
from msgspec import Struct

from pointsman.canon.errors import GarbledError
from pointsman.wire.event_stream import Message, MessageReader
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

ERROR = "error"
"""The name of the event that reports an exception."""


class _Chunk(Struct):
    bytes: str = ""


class _Inner(Struct):
    type: str = ""


_chunk = msgspec.json.Decoder(_Chunk)
_inner = msgspec.json.Decoder(_Inner)


class EventFrames:
    """One stream's."""

    def __init__(self) -> None:
        self._reader = MessageReader()

    def feed(self, data: bytes) -> bytes:
        """The frames that `data` completes. Raises GarbledError for a damaged stream."""
        return b"".join([_frame(message) for message in self._reader.feed(data)])

    def close(self) -> None:
        """Raises GarbledError if the last messages were damaged."""
        self._reader.check()


def exception_frame(name: str, text: str) -> bytes:
    """The frame for an exception."""
    return frame(encode({"type": ERROR, "error": {"type": name, "message": text}}), ERROR)


def _frame(message: Message) -> bytes:
    kind = message.text(":message-type")
    if kind == "exception":
        return exception_frame(message.text(":exception-type"), _told(message.payload))
    if kind == ERROR:
        return exception_frame(message.text(":error-code"), message.text(":error-message"))
    name = message.text(":event-type")
    if name == "chunk":
        return _unpacked(message.payload)
    data = _one_line(message.payload)
    return frame(data, name) if data else b""


def _unpacked(payload: bytes) -> bytes:
    """The event within a chunk. Raises GarbledError."""
    try:
        data = b64decode(_chunk.decode(payload).bytes, validate=True)
        name = _inner.decode(data).type
    except (msgspec.DecodeError, ValueError) as error:
        raise GarbledError("the upstream's event stream holds a chunk that is no event of a model") from error
    return frame(_one_line(data), name)


def _told(payload: bytes) -> str:
    """What an exception says; its payload as it is where that is no envelope."""
    try:
        told = msgspec.json.decode(payload, type=dict[str, object])
    except (msgspec.DecodeError, ValueError):
        return payload.decode(errors="replace")
    text = told.get("message") or told.get("Message") or told.get("originalMessage")
    return text if isinstance(text, str) else payload.decode(errors="replace")


def _one_line(data: bytes) -> bytes:
    """JSON on one line: between its tokens a line break is a blank, and within them there is none."""
    if b"\n" in data or b"\r" in data:
        return data.replace(b"\r", b" ").replace(b"\n", b" ").strip()
    return data

"""The reader of AWS event streams, below the dialects."""

from collections.abc import Iterator

from fuzz.target import Target, pieces
from pointsman.canon.errors import GarbledError
from pointsman.wire.event_frames import EventFrames
from pointsman.wire.event_stream import Message, MessageReader, encode_message

SMALL = 4096
"""Bytes of a message, so that the bound is reached."""


def read_messages(data: bytes) -> None:
    """Cut anywhere the messages are the same, also those ahead of the damage."""
    assert _outcome([data]) == _outcome(pieces(data))


def _outcome(chunks: list[bytes]) -> tuple[list[Message], bool]:
    reader, found = MessageReader(SMALL), list[Message]()
    try:
        for chunk in chunks:
            found += reader.feed(chunk)
        reader.check()
    except GarbledError:
        return found, True
    return found, reader.begun()


def read_as_frames(data: bytes) -> None:
    """As the events that decoders read."""
    frames = EventFrames()
    try:
        for chunk in pieces(data):
            frames.feed(chunk)
        frames.close()
    except GarbledError as error:
        assert error.message  # noqa: PT017 - most streams are damaged


def _seeds() -> Iterator[bytes]:
    event = {":message-type": "event", ":event-type": "messageStart", ":content-type": "application/json"}
    whole = encode_message(event, b'{"role":"assistant"}')
    failed = {":message-type": "exception", ":exception-type": "throttlingException"}
    yield from (whole, whole + encode_message(failed, b'{"message":"slow down"}'), encode_message({}, b""))
    yield encode_message({":message-type": "event", ":event-type": "chunk"}, b'{"bytes":"eyJ0eXBlIjoieCJ9"}')
    yield encode_message({":message-type": "error", ":error-code": "x", "n": 7, "b": b"x", "t": True}, b"")


def targets() -> Iterator[Target]:
    """One for each form."""
    yield Target("wire.event_stream", read_messages, _seeds)
    yield Target("wire.event_frames", read_as_frames, _seeds)

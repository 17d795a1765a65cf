"""Reading a stream frame by frame, in the dialects whose streams have a last event of their own."""

from contextlib import suppress
from typing import Protocol

from pointsman.canon.errors import GarbledError, MalformedError, TruncatedError
from pointsman.canon.events import Event, UnknownEvent
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.wire.sse import Frame, FrameReader


class Reading(Protocol):
    """The answer as far as it has come."""

    over: bool
    """Whether its last event has come."""

    def read(self, frame: Frame, events: list[Event], /) -> None:
        """Adds the events of one frame. Raises MalformedError."""
        ...


def garbled(error: MalformedError) -> GarbledError:
    """The upstream's mistake, said as such."""
    return GarbledError(f"the upstream's answer is not in its dialect: {error.message}")


class FramedDecoder:
    """Bytes of a stream → events; a dialect gives it its reading, its name and what ends its streams."""

    def __init__(self, origin: Origin, reading: Reading, dialect: str, last: str) -> None:
        self._frames = FrameReader(lenient=origin.lenient)
        self._lenient = origin.lenient
        self._reading = reading
        self._dialect = dialect
        self._last = last

    def feed(self, data: bytes, /) -> list[Event]:
        """The events that `data` completes. Raises GarbledError."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            try:
                self._reading.read(frame, events)
            except MalformedError as error:
                if not self._lenient:
                    raise garbled(error) from error
                events.append(UnknownEvent(self._dialect, UNREADABLE, {UNREADABLE: error.message}))
        return events

    def close(self) -> list[Event]:
        """The last events. Raises TruncatedError if the answer has not ended."""
        events: list[Event] = []
        with suppress(MalformedError):  # half a frame: the stream was cut
            for frame in self._frames.close():
                self._reading.read(frame, events)
        if not self._reading.over:
            raise TruncatedError(f"the upstream's stream ended before {self._last}; ask again")
        return events

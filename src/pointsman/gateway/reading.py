"""A stream being read from upstream: its chunks, the events in them, and whether it still gets anywhere.

The transport's limit on silence is met by any byte. A dead upstream behind a proxy that pings would pass it
for ever, so the time since the last event that is not a ping is watched here as well.
"""

from collections.abc import Callable

from pointsman.canon.errors import SilenceError
from pointsman.canon.events import Event, Ping
from pointsman.gateway.ending import as_failures
from pointsman.gateway.tap import Tap
from pointsman.upstream.transport import Incoming


class Reading:
    """One stream, and the tap on it."""

    def __init__(
        self, incoming: Incoming, tap: Tap, idle: float, clock: Callable[[], float], *, crossed: bool
    ) -> None:
        """`crossed`: its client speaks another API."""
        self._incoming = incoming
        self._crossed = crossed
        self._idle = idle
        self._clock = clock
        self._moved = clock()
        self.tap = tap

    async def chunk(self) -> bytes:
        """The next piece; empty at the end. Raises TruncatedError, SilenceError."""
        return await self._incoming.read()

    def follow(self, chunk: bytes) -> list[Event]:
        """The events in a piece. Raises SilenceError after `idle` seconds of nothing but pings."""
        events = self.tap.feed(chunk)
        now = self._clock()
        if not self.tap.running or any(not isinstance(event, Ping) for event in events):
            self._moved = now
        elif now - self._moved > self._idle:
            raise SilenceError(
                f"the backend has sent nothing but pings for {self._idle:g} s; if that is usual, raise the "
                "backend's `timeouts.idle`"
            )
        return self._told(events)

    def close(self) -> list[Event]:
        """The last events. Raises TruncatedError if the answer has not come to its end."""
        return self._told(self.tap.close())

    def _told(self, events: list[Event]) -> list[Event]:
        return as_failures(events) if self._crossed else events

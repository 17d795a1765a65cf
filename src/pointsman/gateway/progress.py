"""Progress: an upstream that only pings is as silent as one that sends nothing."""

from collections.abc import Callable, Iterable

from pointsman.canon.errors import SilenceError
from pointsman.canon.events import Event, Ping


class Progress:
    """Watches one stream for events that are more than a sign of life."""

    def __init__(self, idle: float, clock: Callable[[], float]) -> None:
        """`idle` in seconds."""
        self._idle = idle
        self._clock = clock
        self._last = clock()

    def note(self, events: Iterable[Event], *, readable: bool) -> None:
        """Takes in what a chunk held. Raises SilenceError if there was nothing but pings for too long.

        What cannot be read counts as progress.
        """
        now = self._clock()
        if not readable or any(not isinstance(event, Ping) for event in events):
            self._last = now
        elif now - self._last > self._idle:
            raise SilenceError(
                f"the backend has sent nothing but pings for {now - self._last:.0f} s; "
                "its `timeouts.idle` sets how long it may"
            )

"""An alarm: a time limit that every byte moves and few exchanges reach, so moving it costs nothing."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring` once its time has come. The loop's timer is touched only where it would ring too late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._due: float | None = None
        self._armed: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Rings that many seconds from now, and not at the time that was set before."""
        self._due = self._loop.time() + seconds
        if self._armed is None or self._armed.when() > self._due:
            self._arm(self._due)

    def rest(self) -> None:
        """Does not ring until it is set again."""
        self._due = None

    def stop(self) -> None:
        """Lets go of the loop's timer, for good."""
        self._due = None
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None

    def _arm(self, due: float) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._armed = None
        if self._due is None:
            return
        if self._due > self._loop.time():
            self._arm(self._due)
            return
        self._due = None
        self._ring()

"""Virtual time: an event loop that never waits. Where nothing is ready its clock jumps to the next timer."""

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = 1_800_000_000.0
"""What the wall clock shows when a loop begins, in seconds since the epoch."""
REAL_SECONDS = 0.01
"""How long a thread is waited for at a time; the clock stands still meanwhile."""


class StandstillError(Exception):
    """Nothing will ever happen again, but the work is not done."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Timers go off in their order, and nobody waits for them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads: set[asyncio.Future[Any]] = set()
        self.before = threading.active_count()
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds since the loop began."""
        return self.now

    def wall(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.now

    def run_in_executor(self, *given: Any) -> "asyncio.Future[Any]":
        """As every loop's; what a thread does takes no virtual time."""
        future = super().run_in_executor(*given)
        self.threads.add(future)
        future.add_done_callback(self.threads.discard)
        return future

    async def shutdown_default_executor(self, *given: Any) -> None:
        """As every loop's: a thread does it."""
        waiting = self.create_future()
        self.threads.add(waiting)
        await super().shutdown_default_executor(*given)
        self.threads.discard(waiting)


class _Jumping(selectors.DefaultSelector):
    """Tells of what is ready, and makes time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.threads:
            return super().select(REAL_SECONDS)
        if threading.active_count() > self._loop.before and (told := super().select(REAL_SECONDS)):
            # A thread of its own, as the database has: what it is asked for takes no time either.
            return told
        if timeout is None:
            raise StandstillError
        self._loop.now += timeout
        return ready


def run_virtual(scenario: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Runs a test's coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(scenario(loop))

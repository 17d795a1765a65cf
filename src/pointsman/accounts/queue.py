"""The queue: requests that wait for an account, served by turns: each client once, then by arrival.

Who is woken looks for itself whether there is an account now, and comes back with its old place if not.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Protocol

from msgspec import Struct

WOKEN = 16
"""How many look at once after one place became free."""
_CLIENTS = 1024
"""Whose latest turn is remembered."""


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """It will not go off."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""(seconds, what to call then)."""


def loop_later(seconds: float, call: Callable[[], None]) -> Timer:
    """By the event loop's own clock."""
    return asyncio.get_running_loop().call_later(seconds, call)


class Place(Struct):
    """One request's place in the queue; it keeps it until it is served. Times are seconds since the epoch."""

    client: str
    number: int
    deadline: float


class _Waiter(Struct):
    place: Place
    until: float
    """When there is something to look at; `inf`: once a place becomes free."""
    future: "asyncio.Future[bool]"


class FairQueue:
    """One pool's."""

    def __init__(self, clock: Callable[[], float], later: Later) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._later = later
        self._waiters: list[_Waiter] = []
        self._arrivals = 0
        self._turns: dict[str, int] = {}
        """By client, the number of its latest turn."""
        self._turn = 0
        self._timer: Timer | None = None
        self._due = inf

    def __len__(self) -> int:
        return len(self._waiters)

    def place(self, client: str, deadline: float) -> Place:
        """A place at the end."""
        self._arrivals += 1
        return Place(client, self._arrivals, deadline)

    async def turn(self, place: Place, until: float) -> bool:
        """Waits until it is worth looking; False once the deadline has passed."""
        if self._clock() >= place.deadline:
            return False
        waiter = _Waiter(place, until, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._schedule(min(until, place.deadline))
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled():
                # Woken, and gone before it could look: the next one does.
                self.wake()
            raise
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def served(self, place: Place) -> None:
        """It got its account: its client is the last in turn now, and whoever is next may look, too."""
        self._turn += 1
        self._turns.pop(place.client, None)
        self._turns[place.client] = self._turn
        if len(self._turns) > _CLIENTS:
            del self._turns[next(iter(self._turns))]
        self.wake()

    def wake(self) -> None:
        """A place became free."""
        if not self._waiters:
            return
        now = self._clock()
        looking = [each for each in self._waiters if each.until <= now or each.until == inf]
        for waiter in sorted(looking, key=self._rank)[:WOKEN]:
            self._call(waiter, served=True)

    def look(self) -> None:
        """Everything may be otherwise now: all look, in their turn."""
        for waiter in sorted(self._waiters, key=self._rank):
            self._call(waiter, served=True)

    def _rank(self, waiter: _Waiter) -> tuple[int, int]:
        return self._turns.get(waiter.place.client, 0), waiter.place.number

    def _call(self, waiter: _Waiter, *, served: bool) -> None:
        self._waiters.remove(waiter)
        if not waiter.future.done():
            waiter.future.set_result(served)

    def _schedule(self, when: float) -> None:
        if when >= self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = when
        self._timer = self._later(max(0.0, when - self._clock()), self._ring)

    def _ring(self) -> None:
        """Somebody's time has come."""
        self._timer, self._due = None, inf
        now = self._clock()
        for waiter in [each for each in self._waiters if each.place.deadline <= now]:
            self._call(waiter, served=False)
        for waiter in sorted((each for each in self._waiters if each.until <= now), key=self._rank):
            self._call(waiter, served=True)
        if self._waiters:
            self._schedule(min(min(each.until, each.place.deadline) for each in self._waiters))

"""Live catalogs: which models each backend has, asked again and again in the background.

No request ever waits for it. A backend is due at once when it is new, after `period` when it has answered,
after a growing pause when it has not; each moment is shifted by chance, so that many don't fall together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from pointsman.canon.errors import PointsmanError, SilenceError
from pointsman.routing.snapshot import Model


class Rhythm(Struct, frozen=True):
    """When to ask; seconds."""

    period: float = 600.0
    """Between two answers."""
    first_pause: float = 5.0
    """After a failure; twice as long after each further one, `period` at most."""
    at_most_every: float = 10.0
    """The least between two questions that `refresh` asks for."""
    patience: float = 60.0
    """For one answer."""
    jitter: float = 0.1
    """The share of a pause by which chance shortens or lengthens it."""


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> float:
        """Seconds, from any beginning."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Returns when the event is set, or after that many seconds."""
        ...


class LoopClock:
    """The event loop's own clock."""

    def now(self) -> float:
        """Seconds since the loop's beginning."""
        return asyncio.get_running_loop().time()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Returns when the event is set, or after that many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


class _Watched:
    """One backend."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.asked_at: float | None = None
        self.asking = False
        self.failures = 0
        self.error: PointsmanError | None = None
        self.models: tuple[Model, ...] | None = None


class Catalogs:
    """Keeps the lists of the watched backends fresh and publishes what changed."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[tuple[Model, ...]]],
        publish: Callable[[str, tuple[Model, ...]], None],
        *,
        chance: Callable[[], float],
        clock: Clock | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        """`ask` fetches the models of the backend of a name; `chance` gives numbers from 0 to 1."""
        self._ask = ask
        self._publish = publish
        self._chance = chance
        self._clock = clock or LoopClock()
        self._rhythm = rhythm or Rhythm()
        self._watched: dict[str, _Watched] = {}
        self._changed = asyncio.Event()

    def watch(self, names: Iterable[str]) -> None:
        """The backends to ask from now on; new ones are asked at once, the others forgotten."""
        before = self._watched
        self._watched = {name: before.get(name) or _Watched(float("-inf")) for name in names}
        self._changed.set()

    def forget(self, name: str) -> None:
        """Begins anew with a backend whose settings changed."""
        if name in self._watched:
            self._watched[name] = _Watched(float("-inf"))
            self._changed.set()

    def refresh(self) -> None:
        """Asks all of them soon: for a request that named a model nobody knows."""
        for watched in self._watched.values():
            if watched.asking or watched.asked_at is None:
                continue
            watched.due = min(watched.due, watched.asked_at + self._rhythm.at_most_every)
        self._changed.set()

    def errors(self) -> Mapping[str, PointsmanError]:
        """What the backends that did not answer the last time said instead."""
        return {name: each.error for name, each in self._watched.items() if each.error is not None}

    async def run(self) -> None:
        """Asks until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                now = self._clock.now()
                for name, watched in self._watched.items():
                    if not watched.asking and watched.due <= now:
                        watched.asking, watched.asked_at = True, now
                        group.create_task(self._update(name, watched))
                await self._clock.wait(self._changed, self._until_next(now))

    def _until_next(self, now: float) -> float | None:
        due = [each.due for each in self._watched.values() if not each.asking]
        return max(0.0, min(due) - now) if due else None

    async def _update(self, name: str, watched: _Watched) -> None:
        try:
            async with asyncio.timeout(self._rhythm.patience):
                models = await self._ask(name)
        except TimeoutError:
            limit = self._rhythm.patience
            self._failed(watched, SilenceError(f"`{name}` has not listed its models within {limit:g} s"))
        except PointsmanError as error:
            self._failed(watched, error)
        else:
            self._answered(name, watched, models)
        finally:
            watched.asking = False
            self._changed.set()

    def _answered(self, name: str, watched: _Watched, models: tuple[Model, ...]) -> None:
        watched.failures, watched.error = 0, None
        watched.due = self._after(self._rhythm.period)
        if self._watched.get(name) is watched and models != watched.models:
            watched.models = models
            self._publish(name, models)

    def _failed(self, watched: _Watched, error: PointsmanError) -> None:
        pause = self._rhythm.first_pause * 2 ** min(watched.failures, 20)
        watched.failures += 1
        watched.error = error
        watched.due = self._after(min(pause, self._rhythm.period))

    def _after(self, pause: float) -> float:
        shift = self._rhythm.jitter * (2 * self._chance() - 1)
        return self._clock.now() + pause * (1 + shift)

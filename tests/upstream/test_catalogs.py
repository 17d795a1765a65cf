"""Live catalogs are refreshed in the background, by a clock that the test moves."""

import asyncio
import contextlib

import pytest

from pointsman.canon.errors import SilenceError, UnreachableError
from pointsman.routing.snapshot import Model
from pointsman.upstream.catalogs import Catalogs, LoopClock, Rhythm
from scripted import run

RHYTHM = Rhythm(period=600, first_pause=5, at_most_every=10, patience=60, jitter=0.1)
A, B = (Model("a"),), (Model("b"),)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = 1000.0
        self.pauses = []
        self._moved = asyncio.Event()

    def now(self):
        return self.time

    async def wait(self, event, seconds):
        self.pauses.append(seconds)
        until = None if seconds is None else self.time + seconds
        while not event.is_set() and (until is None or self.time < until):
            self._moved.clear()
            await first_of(event, self._moved)

    async def move(self, seconds):
        self.time += seconds
        self._moved.set()
        await settle()


async def first_of(*events):
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def settle():
    for _ in range(50):
        await asyncio.sleep(0)


class Servers:
    """What each backend says: models, an error, or a wait; the last entry stays."""

    def __init__(self, **scripts):
        self.scripts = {name: list(script) for name, script in scripts.items()}
        self.asked = []

    async def ask(self, name):
        self.asked.append(name)
        script = self.scripts[name]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            return A
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(servers, steps, chance=0.5):
    """Runs `steps(catalogs, clock)` beside the refreshing; gives what was published."""

    async def scenario():
        published = []
        clock = HandClock()
        catalogs = Catalogs(
            servers.ask,
            lambda name, models: published.append((name, models)),
            chance=lambda: chance,
            clock=clock,
            rhythm=RHYTHM,
        )
        running = asyncio.ensure_future(catalogs.run())
        await settle()
        await steps(catalogs, clock)
        assert not running.done()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return published

    return run(scenario())


def test_a_new_backend_is_asked_at_once_and_then_once_a_period():
    servers = Servers(one=[A, A, B])

    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        await clock.move(599)
        assert len(servers.asked) == 1
        await clock.move(1)
        await clock.move(600)

    published = play(servers, steps)

    assert servers.asked == ["one", "one", "one"]
    assert published == [("one", A), ("one", B)]


def test_a_backend_that_fails_is_asked_again_after_growing_pauses():
    servers = Servers(one=[UnreachableError("down")])

    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        for pause in (5, 10, 20, 40):
            before = len(servers.asked)
            await clock.move(pause - 1)
            assert len(servers.asked) == before
            await clock.move(1)
            assert len(servers.asked) == before + 1
        for _ in range(10):
            await clock.move(600)
        assert clock.pauses[-1] == 600
        assert str(catalogs.errors()["one"]) == "down"

    assert play(servers, steps) == []


def test_an_answer_ends_the_failing():
    servers = Servers(one=[UnreachableError("down"), A])

    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        await clock.move(5)
        assert catalogs.errors() == {}
        assert clock.pauses[-1] == 600

    assert play(servers, steps) == [("one", A)]


def test_a_failure_takes_no_models_away():
    servers = Servers(one=[A, UnreachableError("down"), A])

    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        await clock.move(600)
        await clock.move(5)

    assert play(servers, steps) == [("one", A)]


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 540), (0.5, 600), (1.0, 660)])
def test_chance_shifts_each_moment(chance, pause):
    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        assert clock.pauses[-1] == pytest.approx(pause)

    play(Servers(one=[A]), steps, chance)


def test_a_slow_backend_holds_no_other_up():
    servers = Servers(slow=[asyncio.Event()], fast=[A])

    async def steps(catalogs, clock):
        catalogs.watch(["slow", "fast"])
        await settle()
        await clock.move(600)

    assert play(servers, steps) == [("fast", A)]
    assert servers.asked == ["slow", "fast", "fast"]


def test_a_backend_that_is_no_longer_watched_is_not_asked_and_not_published():
    late = asyncio.Event()
    servers = Servers(one=[late], two=[A])

    async def steps(catalogs, clock):
        catalogs.watch(["one", "two"])
        await settle()
        catalogs.watch(["two"])
        late.set()
        await clock.move(600)

    assert play(servers, steps) == [("two", A)]
    assert servers.asked == ["one", "two", "two"]


def test_a_backend_whose_settings_changed_is_asked_anew():
    servers = Servers(one=[A])

    async def steps(catalogs, clock):
        catalogs.watch(["one"])
        await settle()
        catalogs.forget("one")
        catalogs.forget("unknown")
        await settle()

    assert play(servers, steps) == [("one", A), ("one", A)]


def test_a_refresh_is_asked_for_soon_but_not_more_often_than_allowed():
    servers = Servers(one=[A], two=[A])

    async def steps(catalogs, clock):
        catalogs.watch(["one", "two"])
        await settle()
        catalogs.refresh()
        await clock.move(9)
        assert servers.asked == ["one", "two"]
        await clock.move(1)
        assert servers.asked == ["one", "two"] * 2
        await clock.move(10)
        assert servers.asked == ["one", "two"] * 2
        catalogs.refresh()
        await settle()
        assert servers.asked == ["one", "two"] * 3

    play(servers, steps)


def test_nothing_watched_means_no_waking():
    async def steps(catalogs, clock):
        await clock.move(10_000)
        assert clock.pauses == [None]

    play(Servers(), steps)


def test_an_answer_that_never_comes_is_given_up():
    async def scenario():
        catalogs = Catalogs(
            Servers(one=[asyncio.Event()]).ask,
            lambda name, models: None,
            chance=lambda: 0.5,
            rhythm=Rhythm(patience=0),
        )
        catalogs.watch(["one"])
        running = asyncio.ensure_future(catalogs.run())
        for _ in range(1000):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        return catalogs.errors()["one"]

    error = run(scenario())

    assert isinstance(error, SilenceError)
    assert "`one` has not listed its models" in error.message


def test_the_loops_own_clock_waits_for_the_event_or_the_time():
    async def scenario():
        clock, event = LoopClock(), asyncio.Event()
        before = clock.now()
        await clock.wait(event, 0)
        event.set()
        await clock.wait(event, None)
        return clock.now() - before

    assert 0 <= run(scenario()) < 5

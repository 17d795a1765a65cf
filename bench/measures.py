"""The measures: each takes the ways and says what they cost. Bounded in count and in time.

CPU time is what the system has counted for the process, user and system, all threads.
The ways take turns in every round, so that a busy moment of the machine does not fall on one of them alone.
"""

import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bench.asking import request
from bench.load import Reply, callers, rush
from bench.table import Figures
from bench.ways import Way, environment, pointsman, pointsman_command, pointsman_ways

MICRO, MILLI = 1e6, 1e3
LINES = 8
"""Connections at once, where it is not said otherwise."""


class Extent(Struct, frozen=True):
    """How much is measured."""

    rounds: int = 3
    warm: int = 100
    """Requests and streams of each way before anything is measured."""
    requests: int = 1500
    alone: int = 900
    """Requests one after the other, for latencies."""
    bursts: int = 100
    paced: int = 32
    """Streams at once."""
    paced_events: tuple[int, int] = (50, 250)
    bodies: int = 100
    open: int = 1000
    """Streams held open."""
    soak: tuple[int, int] = (5_000, 50_000)
    starts: int = 7
    leases: int = 20_000
    """Times that an account is taken and given back."""
    records: int = 1_000_000
    """In the ledger that is read."""
    seconds: float = 6.0
    """The longest that one run of one way may take."""


QUICK = Extent(
    rounds=1,
    records=100_000,
    warm=40,
    requests=500,
    alone=150,
    bursts=24,
    paced_events=(20, 60),
    bodies=16,
    open=200,
    soak=(800, 3_200),
    starts=3,
    leases=4_000,
    seconds=2.0,
)
BURSTS = (100, 500)
LARGE = (102_400, 1_048_576)
SIZES = {"1 KB": 1024, "100 KB": LARGE[0], "1 MB": LARGE[1]}

One = Callable[[Way], Awaitable[float]]


async def in_turns(ways: Sequence[Way], rounds: int, one: One) -> Figures:
    """The median of each way's rounds."""
    seen: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for way in ways:
            seen[way.name].append(await one(way))
    return {name: statistics.median(values) for name, values in seen.items()}


def measured(ways: Sequence[Way]) -> list[Way]:
    """The ways that have a process of their own."""
    return [way for way in ways if way.process is not None]


async def cpu_of(way: Way, lines: int, asked: bytes, count: int, seconds: float) -> tuple[float, int]:
    """Seconds of CPU time for so many answers, and how many they were."""
    assert way.process is not None
    async with callers(way.port, lines) as open_lines:
        before = way.process.cpu()
        replies = await rush(open_lines, asked, count, seconds)
        return way.process.cpu() - before, len(replies)


async def warm(ways: Sequence[Way], extent: Extent) -> None:
    """What is made once only is made before anything is measured."""
    for way in ways:
        async with callers(way.port, LINES) as lines:
            for answer in ("plain", "burst-100"):
                await rush(lines, request(way, answer), extent.warm, extent.seconds)


async def per_request(ways: Sequence[Way], extent: Extent, size: int = 0) -> Figures:
    """CPU microseconds of a request that is not streamed."""
    count = extent.bodies if size else extent.requests

    async def one(way: Way) -> float:
        spent, answers = await cpu_of(way, LINES, request(way, "plain", size), count, extent.seconds)
        return spent / answers * MICRO

    return await in_turns(measured(ways), 1 if size else extent.rounds, one)


async def per_burst(ways: Sequence[Way], extent: Extent) -> tuple[Figures, Figures]:
    """CPU microseconds of a stream of 100 events that come at once, and of each further event."""
    few, many = BURSTS

    def of(events: int) -> One:
        async def one(way: Way) -> float:
            asked = request(way, f"burst-{events}")
            count = extent.bursts * (3 if events == few else 1)
            spent, answers = await cpu_of(way, LINES, asked, count, extent.seconds)
            return spent / answers * MICRO

        return one

    short = await in_turns(measured(ways), extent.rounds, of(few))
    long = await in_turns(measured(ways), extent.rounds, of(many))
    return short, {name: (long[name] - short[name]) / (many - few) for name in short}


async def per_paced_event(ways: Sequence[Way], extent: Extent) -> Figures:
    """CPU microseconds of an event where each stream brings 100 a second: the longer less the shorter."""
    few, many = extent.paced_events

    async def one(way: Way) -> float:
        spent: list[float] = []
        for events in (few, many):
            asked = request(way, f"paced-{events}")
            seconds, _ = await cpu_of(way, extent.paced, asked, extent.paced, extent.seconds)
            spent.append(seconds)
        return (spent[1] - spent[0]) / (extent.paced * (many - few)) * MICRO

    return await in_turns(measured(ways), 1, one)


async def alone(ways: Sequence[Way], extent: Extent, answer: str) -> dict[str, list[Reply]]:
    """The answers to one request after the other, over one connection, by way."""
    seen: dict[str, list[Reply]] = defaultdict(list)
    count = extent.alone // extent.rounds
    for _ in range(extent.rounds):
        for way in ways:
            async with callers(way.port, 1) as lines:
                seen[way.name] += await rush(lines, request(way, answer), count, extent.seconds)
    return seen


def added(replies: dict[str, list[Reply]], percent: int, of: Callable[[Reply], float]) -> Figures:
    """Milliseconds at a percentile beyond the direct way's."""
    at = {
        name: statistics.quantiles(map(of, each), n=100)[percent - 1] * MILLI
        for name, each in replies.items()
    }
    return {name: value - at["direct"] for name, value in at.items()}


async def open_streams(folder: Path, upstream: int, extent: Extent) -> float:
    """Megabytes that a fresh pointsman takes more while so many relayed streams are open."""
    with pointsman(folder, upstream) as (process, port, _):
        way = pointsman_ways(process, port)[0]
        await warm([way], extent)
        before = process.rss()
        async with callers(port, extent.open) as lines:
            for line in lines:
                await line.begin(request(way, "held"))
            return process.rss() - before


async def soak(folder: Path, upstream: int, extent: Extent) -> tuple[float, float]:
    """Megabytes of a fresh pointsman after few and after many requests of every kind, aborted ones too."""
    sizes: list[float] = []
    done = 0
    end = time.perf_counter() + 25 * extent.seconds
    with pointsman(folder, upstream) as (process, port, _):
        ways = pointsman_ways(process, port)
        for count in extent.soak:
            while done < count and time.perf_counter() < end:
                for way in ways:
                    done += await _mixed(way)
            sizes.append(process.rss())
    if done < extent.soak[1]:
        print(f"bench: {done} requests instead of {extent.soak[1]} until the time was up")
    return sizes[0], sizes[1]


async def _mixed(way: Way) -> int:
    """Eighty answers, twenty of them streams, and twenty clients that leave in the middle."""
    async with callers(way.port, LINES) as lines:
        await rush(lines, request(way, "plain"), 60, 60)
        await rush(lines, request(way, "burst-20"), 20, 60)
    async with callers(way.port, 20) as lines:
        for line in lines:
            await line.begin(request(way, "held"))
    return 100


def start_up(folder: Path, upstream: int, extent: Extent) -> tuple[float, float]:
    """Milliseconds until the port file appears, and megabytes while idle; the medians."""
    times: list[float] = []
    sizes: list[float] = []
    for _ in range(extent.starts):
        with pointsman(folder, upstream) as (process, _, seconds):
            time.sleep(0.5)
            times.append(seconds * MILLI)
            sizes.append(process.rss())
    return statistics.median(times), statistics.median(sizes)


def help_time(folder: Path, extent: Extent) -> float:
    """Milliseconds of `pointsman --help`, interpreter included; the median."""
    times: list[float] = []
    for _ in range(extent.starts * 2):
        began = time.perf_counter()
        command = [pointsman_command(), "--help"]
        subprocess.run(command, env=environment(folder), capture_output=True, check=True)
        times.append((time.perf_counter() - began) * MILLI)
    return statistics.median(times)

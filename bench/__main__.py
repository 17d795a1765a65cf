"""Runs the benchmark, prints its tables and writes them down. `python -m bench [--quick] [--out FILE]`."""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import ledger, measures, pool
from bench.measures import BURSTS, LARGE, QUICK, SIZES, Extent
from bench.table import (
    Column,
    Figures,
    Format,
    beside,
    circumstances,
    fine,
    finer,
    matrix,
    ratio,
    table,
    whole,
)
from bench.voices import VOICES
from bench.ways import Way, mock, ways

FLOOR = "bare uvicorn + aiohttp"
INTRODUCTION = """\
# Benchmark

Written by `make bench`; `make bench ARGS=--quick` takes about a minute and writes nothing. Every way in one
run, one process each, before the same mock upstream on loopback; the load, the mock and the measured process
share the machine's cores. *Bare uvicorn + aiohttp* is a byte proxy of forty lines over the usual libraries:
what a gateway built on them cannot go below. pointsman is not built on them (docs/decisions/http-line.md).

CPU figures repeat within about 15 % on a quiet machine; on a shared one the absolute figures grow with its
load, so compare the ratios, and read the aims against the bare proxy's figure: on the machine that they were
set for it takes 94 µs a request. Latencies, above all p99, are noisy. CPU time is the process's own, user and
system.

The matrices have a row for each client's dialect and a column for each upstream's; where both are the same,
the bytes are relayed. In brackets stands the multiple of the bare proxy's figure; a missed aim is bold.
nginx and the bare proxy carry Anthropic's frames; those of Responses and Gemini are twice as long and more.
Requests of Responses are not to be stored (`store: false`).
"""


class Progress:
    """Says what is measured at the moment."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def __call__(self, what: str) -> None:
        """Begins something."""
        print(f"bench: {time.perf_counter() - self.began:5.1f} s  {what}", file=sys.stderr)


class Comparison:
    """The ways of one run, and how their figures are shown."""

    def __init__(self, found: Sequence[Way]) -> None:
        self._crossings = {(way.dialect, way.upstream): way.name for way in found if way.upstream}
        self._bytewise = [way.name for way in found if not way.upstream or way.relays]
        self._relays = [way.name for way in found if way.relays]

    def bytewise(self, columns: Sequence[Column]) -> str:
        """The ways that pass bytes on: what pointsman is compared with, and its relays."""
        return table("way", self._bytewise, columns)

    def relays(self, aim: float) -> Figures:
        """What the relays should cost on a quiet machine."""
        return dict.fromkeys(self._relays, aim)

    def pairs(self, what: str, figures: Figures, form: Format, aim: float | None = None) -> str:
        """Each client's dialect before each upstream's."""

        def cell(client: str, upstream: str) -> str:
            figure = figures[self._crossings[client, upstream]]
            return beside(figure, figures.get(FLOOR), form, None if client == upstream else aim)

        aimed = "" if aim is None else f"; aim of the translations: under {form(aim)}"
        return f"{what}{aimed}:\n\n" + matrix("from ↓ to →", list(VOICES), cell)


async def requests_part(found: Sequence[Way], extent: Extent, say: Progress) -> list[str]:
    """Requests that are not streamed: CPU, latency, body sizes."""
    shown = Comparison(found)
    say("CPU per request")
    cpu = await measures.per_request(found, extent)
    say("latency, one request after the other")
    alone = await measures.alone(found, extent, "plain")
    median = measures.added(alone, 50, lambda reply: reply.total)
    columns: list[Column] = [
        ("CPU µs/request", cpu, whole),
        ("× nginx", ratio(cpu, "nginx"), fine),
        ("× bare", ratio(cpu, FLOOR), finer),
        ("aim, under", shown.relays(200), whole),
        ("added p50 ms", median, finer),
        ("added p99 ms", measures.added(alone, 99, lambda reply: reply.total), finer),
    ]
    return [
        "## Requests that are not streamed",
        shown.bytewise(columns),
        shown.pairs("CPU µs a request", cpu, whole, 400),
        shown.pairs("Added ms, p50", median, finer),
    ]


async def bodies_part(found: Sequence[Way], extent: Extent, say: Progress) -> list[str]:
    """CPU of requests by the size of their bodies."""
    shown = Comparison(found)
    columns: list[Column] = []
    pairs: list[str] = []
    for title, size in SIZES.items():
        say(f"bodies of {title}")
        figures = await measures.per_request(found, extent, size)
        columns += [(title, figures, whole), ("× bare", ratio(figures, FLOOR), finer)]
        if size in LARGE:
            pairs.append(shown.pairs(f"CPU µs a request of {title}", figures, whole))
    return ["## CPU µs a request by the size of its body", shown.bytewise(columns), *pairs]


async def streams_part(found: Sequence[Way], extent: Extent, say: Progress) -> list[str]:
    """Streams: CPU per event, time to first byte."""
    shown = Comparison(found)
    say("streams, events at once")
    stream, event = await measures.per_burst(found, extent)
    say("streams, 100 events a second each")
    paced = await measures.per_paced_event(found, extent)
    say("time to first byte")
    alone = await measures.alone(found, extent, "burst-10")
    first = measures.added(alone, 50, lambda reply: reply.first)
    columns: list[Column] = [
        (f"CPU µs/stream of {BURSTS[0]}", stream, whole),
        ("CPU µs/event, coalesced", event, fine),
        ("× nginx", ratio(event, "nginx"), fine),
        ("× bare", ratio(event, FLOOR), fine),
        ("aim, under", shown.relays(8), whole),
        ("CPU µs/event, 100 a second", paced, fine),
        ("× bare", ratio(paced, FLOOR), finer),
        ("added ms to first byte, p50", first, finer),
    ]
    return [
        "## Streams",
        shown.bytewise(columns),
        shown.pairs("CPU µs an event, coalesced", event, fine, 30),
        shown.pairs(f"CPU µs a stream of {BURSTS[0]}", stream, whole),
        shown.pairs("CPU µs an event, 100 a second", paced, fine),
        shown.pairs("Added ms to first byte, p50", first, finer),
    ]


async def process_part(folder: Path, upstream: int, extent: Extent, say: Progress) -> list[str]:
    """Start and memory."""
    say("start-up")
    ready, idle = measures.start_up(folder, upstream, extent)
    helped = measures.help_time(folder, extent)
    say(f"{extent.open} open streams")
    opened = await measures.open_streams(folder, upstream, extent)
    say(f"{extent.soak[1]} requests")
    early, late = await measures.soak(folder, upstream, extent)
    measured: Figures = {
        "`pointsman --help`, ms": helped,
        "ready to serve, ms": ready,
        "idle, without the embedded model, MB": idle,
        f"more with {extent.open} streams open, MB": opened,
        f"after {extent.soak[0]:,} requests, MB": early,
        f"more after {extent.soak[1]:,} requests, MB": late - early,
    }
    aims = dict(zip(measured, (150.0, 700.0, 60.0, None, None, 10.0), strict=True))
    shown: list[Column] = [
        ("measured", measured, fine),
        ("aim, under", {name: aim for name, aim in aims.items() if aim is not None}, whole),
    ]
    return ["## Start and memory", table("pointsman", measured, shown)]


async def pool_part(folder: Path, upstream: int, extent: Extent, say: Progress) -> list[str]:
    """What a hundred accounts and two thousand conversations add to one account."""
    say("the pool")
    cpu = await pool.per_request(folder, upstream, extent)
    leases = {name: await pool.lease(count, extent) for name, count in pool.SIZES.items()}
    one, _ = pool.SIZES
    columns: list[Column] = [
        ("CPU µs/request", cpu, whole),
        ("more than one account, µs", {name: cpu[name] - cpu[one] for name in cpu if name != one}, fine),
        ("aim, under", {name: 20.0 for name in cpu if name != one}, whole),
        ("of it in the pool, µs", {name: each[0] for name, each in leases.items()}, fine),
        ("aim, under", dict.fromkeys(leases, 20.0), whole),
        ("a new conversation, µs", {name: each[1] for name, each in leases.items()}, fine),
    ]
    told = (
        "Relayed requests that are not streamed, by turns of 2,000 conversations that are bound already. "
        "*In the pool*: an account is taken, has answered and is given back. For a new conversation each "
        "account is looked at."
    )
    return ["## The pool", told, table("accounts", pool.SIZES, columns)]


async def ledger_part(folder: Path, extent: Extent, say: Progress) -> list[str]:
    """What recording an exchange adds."""
    say("the ledger")
    figures = ledger.per_record(folder, extent.leases)
    columns: list[Column] = [
        ("CPU µs/record", figures, fine),
        ("aim, under", {ledger.TOGETHER: 15.0}, whole),
    ]
    told = (
        "*In the traffic's way*: an exchange is counted, its client detected, its trace queued. *Behind it*: "
        "records are made, priced and written, with the sums of their hours. Nothing is added to an event."
    )
    asked, weight = ledger.questions(folder, extent.records)
    aims = dict(zip(asked, (1000.0, 1000.0, 1000.0, 50.0), strict=True))
    reading: list[Column] = [("ms", asked, fine), ("aim, under", aims, whole)]
    many = f"{extent.records:,} records over 30 days, of {weight:.0f} bytes each; the best of three."
    recorded = table("recording", figures, columns)
    return ["## The ledger", told, recorded, many, table("reading", asked, reading)]


async def run(folder: Path, extent: Extent, *, quick: bool) -> str:
    """The whole report."""
    say = Progress()
    with mock(folder) as upstream:
        with ways(folder, upstream) as found:
            await measures.warm(found, extent)
            parts = await requests_part(found, extent, say)
            parts += await bodies_part(found, extent, say)
            parts += await streams_part(found, extent, say)
        parts += await pool_part(folder, upstream, extent, say)
        parts += await ledger_part(folder, extent, say)
        parts += await process_part(folder, upstream, extent, say)
    facts = circumstances(time.perf_counter() - say.began, quick=quick)
    return "\n\n".join([INTRODUCTION.strip(), facts, *parts]) + "\n"


def main() -> None:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, with more noise")
    parser.add_argument("--out", type=Path, help="also write the report here")
    chosen = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        extent = QUICK if chosen.quick else Extent()
        report = uvloop.run(run(Path(folder), extent, quick=chosen.quick))
    print(report)
    if chosen.out is not None:
        chosen.out.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()

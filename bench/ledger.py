"""The ledger: what a record costs, in the traffic's way and behind it."""

import gc
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bench.measures import MICRO, MILLI
from bench.table import Figures
from pointsman.canon.usage import Usage
from pointsman.cli.serve import COLLECT_AT
from pointsman.config.shipped import detector, providers
from pointsman.ledger.analytics import SECTIONS, Span, analytics
from pointsman.ledger.cost import Costs
from pointsman.ledger.counter import Counter
from pointsman.ledger.ledger import Ledger
from pointsman.ledger.price_list import listed
from pointsman.ledger.record import Record, record_of
from pointsman.ledger.schema import MIGRATIONS
from pointsman.ledger.trace import Trace
from pointsman.ledger.usage import usage
from pointsman.ledger.writing import Run, write
from pointsman.store.database import Database

IN_THE_WAY, BEHIND, TOGETHER = "in the traffic's way", "behind it, in threads", "together"
MANY = 20_000
"""Records of one transaction."""
BATCH = 500
"""Exchanges between two writes: a quarter of a second of 2,000 a second."""
_HEADERS = (
    ("host", "localhost:3456"),
    ("user-agent", "claude-cli/2.1.0 (external, cli)"),
    ("content-type", "application/json"),
    ("anthropic-version", "2023-06-01"),
)
_BODY = b'{"model":"claude-opus-5","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}'
_TRACE = Trace(
    "",
    "POST",
    "/v1/messages",
    0.0,
    dialect="anthropic",
    upstream_dialect="anthropic",
    operation="generate",
    stream=True,
    asked="claude-opus-4-5",
    model="claude-opus-4-5",
    backend="anthropic",
    account="default",
    issuer="anthropic",
    rule="prefix",
    form="relay",
    status=200,
    first_byte=0.1,
    duration=1.0,
    usage=Usage(input=9, cache_read=20_000, output=400),
    stop="end",
)


def per_record(folder: Path, count: int) -> Figures:
    """CPU microseconds of a record, of all threads."""
    counter = Counter(folder / "bench.count")
    counter.open()
    database = Database(folder / "bench.db", MIGRATIONS)
    ledger = Ledger(database, counter, "bench", Costs({}, providers(), listed), time.time)
    batches = max(1, count // BATCH)
    _write(ledger, _batch())
    # As `pointsman serve` does: what the start and the list of prices have made is left alone.
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)
    way = behind = 0.0
    for _ in range(batches):
        traces = _batch()
        gc.collect()
        began = time.process_time()
        _take_in(ledger, traces)
        taken = time.process_time()
        _flush(ledger)
        way += taken - began
        behind += time.process_time() - taken
    gc.set_threshold(*usual)
    gc.unfreeze()
    ledger.close()
    each = MICRO / (batches * BATCH)
    return {IN_THE_WAY: way * each, BEHIND: behind * each, TOGETHER: (way + behind) * each}


def _batch() -> list[Trace]:
    """Exchanges that have ended, each with an id of its own."""
    started = time.time()
    return [
        replace(_TRACE, request_id=secrets.token_hex(12), started=started, attempts=["committed"])
        for _ in range(BATCH)
    ]


def _write(ledger: Ledger, traces: list[Trace]) -> None:
    _take_in(ledger, traces)
    _flush(ledger)


def _take_in(ledger: Ledger, traces: list[Trace]) -> None:
    """As the endpoint does it: each is begun, its client told, and added."""
    detect = detector().detect
    for trace in traces:
        ledger.begin()
        trace.client = detect(_HEADERS, _BODY)
        ledger.add(trace)


def _flush(ledger: Ledger) -> None:
    """Returns once all is written."""
    ledger.flush()
    _wait(ledger.database)


def _wait(database: Database) -> None:
    done = threading.Event()
    database.give(lambda _: done.set())
    done.wait()


def questions(folder: Path, count: int) -> tuple[Figures, float]:
    """Milliseconds of what people ask a ledger of so many records, the best of three; bytes of a record."""
    file, now = folder / "questions.db", time.time()
    database = Database(file, MIGRATIONS)
    for first in range(0, count, MANY):
        records = [_old(number, count, now) for number in range(first, min(count, first + MANY))]
        database.give(lambda connection, made=records: write(connection, made, Run("bench", now), 0))
    _wait(database)
    database.close()
    hour, week = Span(now - 3600, now), now - 7 * 86_400
    with closing(sqlite3.connect(file)) as connection:
        asked: dict[str, Callable[[], object]] = {
            "`usage`": lambda: usage(connection, None, "model"),
            "`usage --by session`": lambda: usage(connection, None, "session"),
            "`usage --since 7d`": lambda: usage(connection, week, "model"),
            "`/analytics`, the last hour": lambda: analytics(connection, hour, SECTIONS),
        }
        return {name: min(_seconds(ask) for _ in range(3)) * MILLI for name, ask in asked.items()}, (
            file.stat().st_size / count
        )


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _old(number: int, count: int, now: float) -> Record:
    """One of many over thirty days: of five models, three backends, sessions of two hundred."""
    trace = replace(
        _TRACE,
        request_id=f"{number:024x}",
        started=now - 30 * 86_400 * (count - number) / count,
        model=f"m{number % 5}",
        backend=f"b{number % 3}",
        account=f"a{number % 2}",
        session=f"s{number // 200}",
        client="codex",
        first_byte=number % 97 / 97,
        duration=number % 89 / 9,
        attempts=["committed"],
    )
    return record_of(trace, Decimal("0.01"), "api")

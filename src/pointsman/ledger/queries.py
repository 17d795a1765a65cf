"""Queries: everything that a person looks at is read here. Pure functions over a connection.

Whole hours come from their sums, which outlive the records; where a span begins within an hour, the rest of
that one comes from the records. Times are in seconds since the epoch.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.ledger.billing import BILLED
from pointsman.ledger.hours import HOUR, NAMES, SUMS
from pointsman.ledger.record import COLUMNS, NANO
from pointsman.ledger.sums import Rows, Sums

LATEST = 5_000
"""Exchanges that percentiles are taken of, at the most: the latest ones."""
SESSIONS = 200
"""Sessions that are told, those with the most tokens."""
_OF_ONE = (
    "1 AS requests, error IS NOT NULL AS errors, COALESCE(input, 0) AS input, "
    "COALESCE(cache_read, 0) AS cache_read, "
    "COALESCE(cache_write_5m, 0) + COALESCE(cache_write_1h, 0) AS cache_write, "
    "COALESCE(output, 0) AS output, COALESCE(reasoning, 0) AS reasoning, COALESCE(cost, 0) AS cost, "
    f"cost IS NULL AND (bucket IN ({', '.join(f'{bucket!r}' for bucket in BILLED)}) OR "
    "(bucket = 'unknown' AND claim IS NOT NULL AND status = 200 AND input IS NOT NULL)) AS unpriced"
)
_ADDED = ", ".join(f"COALESCE(SUM({name}), 0)" for name in SUMS)
_NAMED = ", ".join(f"COALESCE({name}, '') AS {name}" for name in NAMES)
_SPAN = (
    f"SELECT {', '.join(NAMES)}, {', '.join(SUMS)} FROM hours WHERE hour >= ? "
    f"UNION ALL SELECT {_NAMED}, {_OF_ONE} FROM exchanges WHERE at >= ? AND at < ?"
)
_MOMENTS = (
    f"SELECT hour, {', '.join(SUMS)} FROM hours WHERE hour >= ? "
    f"UNION ALL SELECT at, {_OF_ONE} FROM exchanges WHERE at >= ? AND at < ?"
)


def by_names(connection: sqlite3.Connection, since: float | None) -> Rows:
    """Sums of all that is told apart; `since` None: of all time."""
    if since is None:
        return _rows(connection, f"SELECT {', '.join(NAMES)}, {_ADDED} FROM hours GROUP BY {_places()}", ())
    first = -(-since // HOUR) * HOUR
    query = f"SELECT {', '.join(NAMES)}, {_ADDED} FROM ({_SPAN}) GROUP BY {_places()}"
    return _rows(connection, query, (first, since, first))


def by_day(connection: sqlite3.Connection, since: float | None) -> Iterator[tuple[str, Sums]]:
    """Sums of each day, as this machine's clock has it, the earliest first."""
    since = since or 0
    first = -(-since // HOUR) * HOUR
    rows = connection.execute(
        f"SELECT date(hour, 'unixepoch', 'localtime') AS day, {_ADDED} FROM ({_MOMENTS}) GROUP BY day "
        "ORDER BY day",
        (first, since, first),
    )
    return ((day, Sums(*sums)) for day, *sums in rows)


def by_session(connection: sqlite3.Connection, since: float | None) -> tuple[list[tuple[str, Sums]], int]:
    """Sums of the sessions that there are records of, the most tokens first; how many more there are."""
    rows = connection.execute(
        f"SELECT COUNT(*) OVER (), name, {_ADDED} FROM (SELECT COALESCE(session, '-') AS name, {_OF_ONE} "
        "FROM exchanges WHERE at >= ?) GROUP BY name "
        "ORDER BY SUM(input + cache_read + cache_write + output + reasoning) DESC, name LIMIT ?",
        (since or 0, SESSIONS),
    ).fetchall()
    all_of_them = rows[0][0] if rows else 0
    return [(name, Sums(*sums)) for _, name, *sums in rows], all_of_them - len(rows)


class Timing(Struct, frozen=True):
    """How long one answer took, in seconds."""

    names: tuple[str, ...]
    session: str
    first_byte: float | None
    duration: float | None


def timings(connection: sqlite3.Connection, since: float) -> list[Timing]:
    """Those of the answers that came, the latest first."""
    rows = connection.execute(
        f"SELECT {_NAMED}, COALESCE(session, '-'), first_byte, duration FROM exchanges "
        "WHERE at >= ? AND status = 200 AND error IS NULL ORDER BY at DESC LIMIT ?",
        (since, LATEST),
    )
    return [Timing(tuple(names), *rest) for *names, rest in _split(rows)]


def _split(rows: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    width = len(NAMES)
    return ((*row[:width], row[width:]) for row in rows)


class Limit(Struct, frozen=True):
    """One."""

    used: float
    """From 0 to 1."""
    resets: float | None = None


class Told(Struct, frozen=True):
    """What one answer told of its account's limits."""

    at: float
    windows: Mapping[str, Limit]


def limits(connection: sqlite3.Connection, since: float) -> dict[tuple[str, str], tuple[Told, Told]]:
    """The first and the last that was told of each account, by backend and account."""
    first, last = (_told(connection, since, which) for which in ("MIN", "MAX"))
    return {key: (told, last[key]) for key, told in first.items() if key in last}


_limits = msgspec.json.Decoder(dict[str, Limit])


def _told(connection: sqlite3.Connection, since: float, which: str) -> dict[tuple[str, str], Told]:
    # SQLite takes the other columns from the row that has the least, or the greatest.
    rows = connection.execute(
        f"SELECT backend, account, {which}(at), windows FROM exchanges WHERE at >= ? "
        "AND windows IS NOT NULL GROUP BY backend, account",
        (since,),
    )
    return {(backend, account): Told(at, _limits.decode(windows)) for backend, account, at, windows in rows}


def missing(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many exchanges left no record: dropped under pressure, and lost with a process that was killed."""
    row = connection.execute("SELECT COALESCE(SUM(dropped), 0), COALESCE(SUM(lost), 0) FROM runs").fetchone()
    return int(row[0]), int(row[1])


def extent(connection: sqlite3.Connection) -> tuple[int, float | None]:
    """How many records there are, and when the last exchange began."""
    records, last = connection.execute("SELECT COUNT(*), MAX(at) FROM exchanges").fetchone()
    return records, last


# Records as people get them: with the cost in US dollars.


def records(connection: sqlite3.Connection, *, after: int = 0, limit: int = -1) -> Iterator[Json]:
    """Records behind a number, the earliest first; with a limit, the latest of them."""
    rows = connection.execute(
        f"SELECT * FROM (SELECT number, {', '.join(COLUMNS)} FROM exchanges WHERE number > ? "
        "ORDER BY number DESC LIMIT ?) ORDER BY number",
        (after, limit),
    )
    return (_record(row) for row in rows)


def exported(connection: sqlite3.Connection, since: float | None) -> Iterator[Json]:
    """All records since, the earliest first, one by one."""
    rows = connection.execute(
        f"SELECT number, {', '.join(COLUMNS)} FROM exchanges WHERE at >= ? ORDER BY at", (since or 0,)
    )
    return (_record(row) for row in rows)


def found(connection: sqlite3.Connection, beginning: str, most: int = 2) -> list[Json]:
    """The records whose ids begin so."""
    end = beginning + "\U0010ffff"
    rows = connection.execute(
        f"SELECT number, {', '.join(COLUMNS)} FROM exchanges "
        "WHERE request_id >= ? AND request_id < ? LIMIT ?",
        (beginning, end, most),
    )
    return [_record(row) for row in rows]


def _record(row: tuple[Any, ...]) -> Json:
    told = dict(zip(("number", *COLUMNS), row, strict=True))
    dollars = None if told["cost"] is None else told["cost"] / NANO
    return {**told, "stream": bool(told["stream"]), "estimated": bool(told["estimated"]), "cost": dollars}


def _rows(connection: sqlite3.Connection, query: str, values: tuple[float, ...]) -> Rows:
    width = len(NAMES)
    return [(tuple(row[:width]), Sums(*row[width:])) for row in connection.execute(query, values)]


def _places() -> str:
    """The columns that tell rows apart, by number."""
    return ", ".join(str(place) for place in range(1, len(NAMES) + 1))

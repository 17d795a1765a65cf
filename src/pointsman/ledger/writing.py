"""Writing the ledger: records and the sums of their hours as one, what a run has written, what is too old."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from pointsman.ledger.hours import add_up
from pointsman.ledger.names import Names
from pointsman.ledger.record import COLUMNS, Record, row_of

AT_ONCE = 5000
"""Rows that one transaction deletes."""
TOGETHER = 20
"""Rows of one statement. SQLite lets other threads go on with each, and the traffic's is one."""
_ROW = f"({', '.join('?' * len(COLUMNS))})"
_COUNT = (
    "INSERT INTO runs (run, began, written, dropped) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "written = written + excluded.written, dropped = excluded.dropped"
)
_TOO_OLD = (
    "DELETE FROM exchanges WHERE number IN (SELECT number FROM exchanges WHERE at < ? OR number <= "
    "(SELECT MAX(number) FROM exchanges) - ? ORDER BY number LIMIT ?)"
)


class Keeping(Struct, frozen=True):
    """How long records are kept, and how many; the sums of each hour stay."""

    days: float = 90.0
    records: int = 1_000_000


class Run(Struct, frozen=True):
    """One run of the endpoint, from its start to its end."""

    name: str
    began: float
    """Seconds since the epoch."""

    def count(self, connection: sqlite3.Connection, written: int, dropped: int) -> None:
        """So many more are written; `dropped` of all could not be."""
        connection.execute(_COUNT, (self.name, self.began, written, dropped))

    def end(self, connection: sqlite3.Connection, begun: int, dropped: int) -> None:
        """It has ended, and nothing more of it will be written."""
        self.count(connection, 0, dropped)
        connection.execute(
            "UPDATE runs SET lost = MAX(0, ? - written - dropped) WHERE run = ?", (begun, self.name)
        )


def write(
    connection: sqlite3.Connection,
    records: Sequence[Record],
    run: Run,
    dropped: int,
    models: Names | None = None,
) -> None:
    """Writes records of a run; `models` are told apart in the sums of hours, all if left out."""
    for first in range(0, len(records), TOGETHER):
        some = records[first : first + TOGETHER]
        values = [value for record in some for value in row_of(record)]
        connection.execute(_insert(len(some)), values)
    add_up(connection, records, models)
    run.count(connection, len(records), dropped)


@lru_cache(maxsize=TOGETHER)
def _insert(rows: int) -> str:
    return f"INSERT INTO exchanges ({', '.join(COLUMNS)}) VALUES {', '.join([_ROW] * rows)}"


def tidy(connection: sqlite3.Connection, keeping: Keeping, now: float) -> bool:
    """Deletes what is too old or too much; whether there may be more. `now`: seconds since the epoch."""
    found = connection.execute(_TOO_OLD, (now - keeping.days * 86_400, keeping.records, AT_ONCE))
    connection.execute("PRAGMA incremental_vacuum(1000)")
    return found.rowcount == AT_ONCE


def settle(connection: sqlite3.Connection, begun: Mapping[str, int]) -> None:
    """Notes how much was lost with runs that were killed; `begun`: the exchanges that each had begun."""
    for run, count in begun.items():
        connection.execute(
            "INSERT INTO runs (run, began, written, dropped, lost) VALUES (?, 0, 0, 0, ?) "
            "ON CONFLICT DO UPDATE SET lost = MAX(0, excluded.lost - written - dropped)",
            (run, count),
        )

"""The sums of each hour, by whom it went to, from whom it came and what it was billed to."""

import sqlite3
from collections.abc import Iterable

from pointsman.ledger.names import Names
from pointsman.ledger.record import Record

HOUR = 3600
NAMES = ("backend", "account", "model", "client", "client_key", "bucket")
"""What an hour is told apart by."""
SUMS = (
    "requests",
    "errors",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "reasoning",
    "cost",
    "unpriced",
)
"""What is summed up."""
_UPSERT = (
    f"INSERT INTO hours (hour, {', '.join(NAMES)}, {', '.join(SUMS)}) "
    f"VALUES ({', '.join('?' * (1 + len(NAMES) + len(SUMS)))}) "
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)


def add_up(connection: sqlite3.Connection, records: Iterable[Record], models: Names | None = None) -> None:
    """Adds these to their hours; `models` are told apart, all if left out."""
    sums: dict[tuple[int | str, ...], list[tuple[int, ...]]] = {}
    for record in records:
        sums.setdefault(_key(record, models), []).append(values_of(record))
    connection.executemany(
        _UPSERT, [(*key, *map(sum, zip(*values, strict=True))) for key, values in sums.items()]
    )


def _key(record: Record, models: Names | None) -> tuple[int | str, ...]:
    hour = int(record.at // HOUR) * HOUR
    model = record.model if models is None else models.told(record.model, admitted=record.answered)
    served = (record.backend or "", record.account or "", model or "")
    return (hour, *served, record.client, record.client_key or "", record.bucket)


def values_of(record: Record) -> tuple[int, ...]:
    """What one exchange adds, in the order of `SUMS`."""
    tokens = (
        record.input or 0,
        record.cache_read or 0,
        record.written_to_cache,
        record.output or 0,
        record.reasoning or 0,
    )
    return (1, int(record.error is not None), *tokens, record.cost or 0, int(record.unpriced))

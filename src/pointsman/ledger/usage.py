"""Usage: what was used in all, as `pointsman usage` shows it."""

import sqlite3

from pointsman.canon.json import Json
from pointsman.ledger import queries
from pointsman.ledger.sums import BY as NAMED
from pointsman.ledger.sums import NOTHING, Sums, counts, grouped

_DAY, _SESSION = "day", "session"
BY = (*NAMED, _SESSION, _DAY)
"""What rows may be told apart by, the usual one first."""


def usage(connection: sqlite3.Connection, since: float | None, by: str) -> Json:
    """`{"total": …, "rows": […]}`; the cost of a row's `unpriced` requests is not known, nor in its `cost`.
    With `left_out`, the number of sessions beyond the rows, where there are many.

    `since` in seconds since the epoch; None or 0: of all time.
    """
    groups, left_out = _groups(connection, since or None, by)
    rows = [
        {by: name, **counts(sums), "errors": sums.errors, "unpriced": sums.unpriced} for name, sums in groups
    ]
    every = (sums for _, sums in queries.by_names(connection, since or None))
    told: Json = {"total": counts(sum(every, NOTHING)), "rows": rows}
    return {**told, "left_out": left_out} if left_out else told


def _groups(
    connection: sqlite3.Connection, since: float | None, by: str
) -> tuple[list[tuple[str, Sums]], int]:
    if by == _DAY:
        return list(queries.by_day(connection, since)), 0
    if by == _SESSION:
        return queries.by_session(connection, since)
    return list(grouped(queries.by_names(connection, since), NAMED[by]).items()), 0


def nothing() -> Json:
    """Where there is no ledger yet."""
    return {"total": counts(NOTHING), "rows": []}

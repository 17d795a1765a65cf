"""Analytics: how things went in a span of time, by account, model, backend, client, key and session."""

import sqlite3
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.ledger import queries
from pointsman.ledger.queries import Timing, Told
from pointsman.ledger.sums import BY, Sums, counts, grouped, paid_and_covered, plan_share, total

HOUR = 3600.0
PERCENTILES = (50, 95, 99)
LENGTHS = {"five_hour": 5 * HOUR, "seven_day": 7 * 24 * HOUR}
"""Seconds of the windows whose names tell how long they are."""
SAME = 60.0
"""Seconds by which two answers may tell the same moment otherwise."""
_SESSION = "session"
SECTIONS = (*BY, _SESSION)
"""What it may be told apart by."""


class Span(Struct, frozen=True):
    """From when to when, in seconds since the epoch."""

    since: float
    until: float

    @property
    def hours(self) -> float:
        """How long it is."""
        return max(1.0, self.until - self.since) / HOUR


def analytics(connection: sqlite3.Connection, span: Span, sections: Sequence[str]) -> Json:
    """The page, with a section for each name in `sections`."""
    rows = queries.by_names(connection, span.since)
    timings = queries.timings(connection, span.since)
    sums = total(rows)
    spent, covered = paid_and_covered(rows)
    dropped, lost = queries.missing(connection)
    groups = {name: grouped(rows, BY[name]).items() for name in sections if name in BY}
    if _SESSION in sections:
        groups[_SESSION] = dict(queries.by_session(connection, span.since)[0]).items()
    return {
        "since": span.since,
        "until": span.until,
        "total": {**_told(sums, timings, span), "spent": spent, "covered_by_plan": covered},
        "subscriptionPercent": plan_share(rows),
        "missing": {"dropped": dropped, "lost": lost},
        "limits": _limits(queries.limits(connection, span.since), span),
        **{f"by_{name}": _section(name, groups[name], timings, span) for name in sections},
    }


def _section(
    name: str, groups: Iterable[tuple[str, Sums]], timings: Sequence[Timing], span: Span
) -> list[Json]:
    apart: dict[str, list[Timing]] = {}
    for timing in timings:
        group = timing.session if name == _SESSION else BY[name](timing.names)
        apart.setdefault(group, []).append(timing)
    return [{name: group, **_told(sums, apart.get(group, ()), span)} for group, sums in groups]


def _told(sums: Sums, timings: Sequence[Timing], span: Span) -> Json:
    dollars = sums.dollars
    return {
        **counts(sums),
        "unpriced": sums.unpriced,
        "errors": sums.errors,
        "error_rate": round(sums.errors / sums.requests, 4) if sums.requests else 0.0,
        "tokens_per_hour": round(sums.tokens / span.hours, 1),
        "cost_per_hour": None if dollars is None else dollars / span.hours,
        "first_byte": percentiles([each.first_byte for each in timings]),
        "duration": percentiles([each.duration for each in timings]),
    }


def percentiles(values: Iterable[float | None]) -> Json | None:
    """Seconds that so many of a hundred stay within; None where there is nothing."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return {f"p{rank}": known[max(0, ceil(rank / 100 * len(known)) - 1)] for rank in PERCENTILES}


def _limits(told: dict[tuple[str, str], tuple[Told, Told]], span: Span) -> list[Json]:
    return [
        {
            "backend": backend,
            "account": account,
            "told": last.at,
            "windows": {
                name: {
                    "utilisation": limit.used,
                    "resets": limit.resets,
                    "runs_out": runs_out(name, first, last, span.until),
                }
                for name, limit in last.windows.items()
            },
        }
        for (backend, account), (first, last) in told.items()
    ]


def runs_out(name: str, first: Told, last: Told, now: float) -> float | None:
    """When a limit is used up if it goes on so, in seconds since the epoch; None where it does not grow, or
    begins anew before."""
    limit = last.windows[name]
    if limit.used >= 1.0:
        return now
    earlier = _earlier(name, first, last)
    if earlier is None or last.at <= earlier[0] or limit.used <= earlier[1]:
        return None
    at, used = earlier
    then = last.at + (1.0 - limit.used) * (last.at - at) / (limit.used - used)
    return then if limit.resets is None or then < limit.resets else None


def _earlier(name: str, first: Told, last: Told) -> tuple[float, float] | None:
    """A moment before, and how much was used then: nothing where the window has begun since."""
    before, limit = first.windows.get(name), last.windows[name]
    renewed = before is None or (
        limit.resets is not None and before.resets is not None and limit.resets - before.resets > SAME
    )
    if not renewed:
        return None if before is None else (first.at, before.used)
    length = next((seconds for start, seconds in LENGTHS.items() if name.startswith(start)), None)
    return None if length is None or limit.resets is None else (limit.resets - length, 0.0)

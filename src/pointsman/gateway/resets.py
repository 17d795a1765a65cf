"""Resets: when a limit that is used up opens again, for providers that say so without `Retry-After`.

They write a duration (`1s`, `6m0s`, `20ms`), a date (`2026-11-22T19:06:03Z`), or the epoch's seconds or
milliseconds; which fields, the provider's row says.
"""

import re
from datetime import UTC, datetime
from itertools import zip_longest

from pointsman.catalog.provider import RateLimits
from pointsman.wire.headers import Headers, first

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9
"""Larger numbers are points in time."""
_EPOCH_MILLISECONDS = 1e12


def reset_after(headers: Headers, limits: RateLimits, now: float) -> float | None:
    """Seconds until every limit that is used up has opened again; None where the fields don't tell.

    `now` is in seconds since the epoch.
    """
    waits: list[float] = []
    for remaining, reset in zip_longest(limits.remaining, limits.reset[: len(limits.remaining)]):
        left = first(headers, remaining)
        wait = None if reset is None else _seconds(first(headers, reset), now)
        if left is not None and wait is not None and left.strip() in {"0", "0.0"}:
            waits.append(wait)
    return max(waits, default=None)


def _seconds(value: str | None, now: float) -> float | None:
    text = (value or "").strip()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH:
            return number
        return max(0.0, (number / 1000 if number > _EPOCH_MILLISECONDS else number) - now)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)

"""Moments: when something happens, in each of the forms that providers write.

A duration (`1s`, `6m0s`, `20ms`), a date (`2026-11-22T19:06:03Z`), or the epoch's seconds or milliseconds.
"""

import re
from datetime import UTC, datetime

_DURATION = re.compile(r"(?:\d{1,15}(?:\.\d+)?(?:ms|[smhd]))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.ASCII)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d+)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9
"""Larger numbers are points in time."""
_EPOCH_MILLISECONDS = 1e12
_LONGEST = 64
"""Characters; no provider writes more."""


def moment(value: str | None, now: float) -> float | None:
    """The time that is meant, not before `now`; None for what is none. Seconds since the epoch."""
    text = (value or "").strip()[:_LONGEST]
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH:
            return now + number
        return max(now, number / 1000 if number > _EPOCH_MILLISECONDS else number)
    if _DURATION.fullmatch(text):
        return now + sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(now, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())

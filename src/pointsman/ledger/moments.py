"""Moments and spans as people write them: `7d`, `90m`, `2026-11-01`, `2026-11-01T08:00`."""

import re
from datetime import datetime

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw])")


def span_of(text: str) -> float:
    """Seconds. Raises ValueError whose words say what it must be."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("must be a span of time such as 30m, 24h or 7d")
    return float(found[1]) * _UNITS[found[2]]


def since_of(text: str, now: float) -> float:
    """Seconds since the epoch: so long ago, or a day or moment, by this machine's clock where none is named.

    Raises ValueError whose words say what it must be.
    """
    if _SPAN.fullmatch(text.strip().lower()):
        return now - span_of(text)
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be a span such as 7d, or a day such as 2026-11-01") from None

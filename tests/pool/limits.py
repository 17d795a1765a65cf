"""A provider's limits: windows that fill up and begin anew, and how each kind of provider tells of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil
from typing import Literal

Headers = tuple[tuple[str, str], ...]
Unit = Literal["requests", "tokens", "input_tokens", "output_tokens"]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass
class Window:
    """So much within so many seconds; it begins with the first use. Times are seconds since the epoch."""

    unit: Unit
    limit: float
    seconds: float = MINUTE
    used: float = 0.0
    resets: float | None = None
    """When it begins anew; None while it is unused."""
    filled: int = 0
    """How often it was full."""
    opened: float = 0.0
    """When it was full for the last time."""
    refused: int = 0
    """Requests that came when it was full."""
    peak: int = 0
    """How many requests were under way at once, at the most, since it was full."""
    excess: list[tuple[int, int]] = field(default_factory=list)
    """(refused, peak) of each time that it was full."""

    def turn(self, now: float) -> None:
        """Begins anew if it is time."""
        if self.resets is not None and now >= self.resets:
            self.end()
            if not self.remaining:
                self.opened = self.resets
            self.used, self.resets, self.refused, self.peak = 0.0, None, 0, 0

    def end(self) -> None:
        """Notes how often it has refused."""
        if self.refused:
            self.excess.append((self.refused, self.peak))

    def has_room(self, now: float) -> bool:
        """Whether a request may come in."""
        self.turn(now)
        return self.used < self.limit

    def spend(self, amount: float, now: float) -> None:
        """Counts what was used; what nobody could foresee goes beyond the limit."""
        self.turn(now)
        if self.resets is None:
            self.resets = now + self.seconds
        self.filled += self.used < self.limit <= self.used + amount
        self.used += amount

    def reset(self, now: float) -> float:
        """When it begins anew, or would."""
        return now if self.resets is None else self.resets

    @property
    def remaining(self) -> float:
        """What is left of it."""
        return max(0.0, self.limit - self.used)


Style = Callable[[Sequence[Window], float], Headers]
"""(windows, now) → the header fields that tell of them."""


def plain(windows: Sequence[Window], now: float) -> Headers:
    """Anthropic's `anthropic-ratelimit-requests-*` and their like; resets are RFC 3339, to the second.

    https://platform.claude.com/docs/en/api/rate-limits
    """
    return _three(windows, now, "anthropic-ratelimit-{unit}-{part}", _rfc3339)


def openai(windows: Sequence[Window], now: float) -> Headers:
    """OpenAI's `x-ratelimit-*`; resets are durations. https://developers.openai.com/api/docs/guides/rate-limits"""
    return _three(windows, now, "x-ratelimit-{part}-{unit}", _duration)


def _three(
    windows: Sequence[Window], now: float, name: str, written: Callable[[float, float], str]
) -> Headers:
    found: list[tuple[str, str]] = []
    for window in windows:
        unit = window.unit.replace("_", "-")
        found += [
            (name.format(unit=unit, part="limit"), f"{window.limit:.0f}"),
            (name.format(unit=unit, part="remaining"), f"{ceil(window.remaining)}"),
            (name.format(unit=unit, part="reset"), written(window.reset(now), now)),
        ]
    return tuple(found)


def _rfc3339(when: float, now: float) -> str:
    return datetime.fromtimestamp(ceil(when), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(when: float, now: float) -> str:
    minutes, seconds = divmod(ceil((when - now) * 1000) / 1000, 60)
    return f"{minutes:.0f}m{seconds:.3f}s" if minutes else f"{seconds:.3f}s"


_CLAIMS = {5 * HOUR: ("5h", "five_hour"), 7 * DAY: ("7d", "seven_day")}


def unified(windows: Sequence[Window], now: float) -> Headers:
    """Anthropic's plans: utilisation and reset, in seconds since the epoch, of five hours and seven days."""
    found: list[tuple[str, str]] = []
    fullest = max(windows, key=lambda each: each.used / each.limit)
    refused = [each for each in windows if not each.remaining]
    for window in windows:
        short, _ = _CLAIMS[window.seconds]
        found += [
            (f"anthropic-ratelimit-unified-{short}-status", "allowed" if window.remaining else "rejected"),
            (f"anthropic-ratelimit-unified-{short}-reset", f"{ceil(window.reset(now))}"),
            (f"anthropic-ratelimit-unified-{short}-utilization", f"{window.used / window.limit:.4f}"),
        ]
    speaks = max(refused, key=lambda each: each.reset(now)) if refused else fullest
    return (
        ("anthropic-ratelimit-unified-status", "rejected" if refused else "allowed"),
        ("anthropic-ratelimit-unified-reset", f"{ceil(speaks.reset(now))}"),
        ("anthropic-ratelimit-unified-representative-claim", _CLAIMS[speaks.seconds][1]),
        *found,
    )


def untold(windows: Sequence[Window], now: float) -> Headers:
    """Nothing."""
    return ()


Retry = Literal["seconds", "date", "milliseconds", "none"]


def retry_fields(form: Retry, seconds: float, now: float) -> Headers:
    """When to come back, in one of the forms that providers use; never too early."""
    if form == "seconds":
        return (("retry-after", str(ceil(seconds))),)
    if form == "date":
        when = datetime.fromtimestamp(ceil(now + seconds), UTC)
        return (("retry-after", format_datetime(when, usegmt=True)),)
    return (("retry-after-ms", str(ceil(seconds * 1000))),) if form == "milliseconds" else ()

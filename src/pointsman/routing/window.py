"""Windows: what a provider says of its limits in the head of an answer, and how much of each is used up.

Told in one of three ways: what is left and of how much (`x-ratelimit-remaining-requests`; which fields, the
provider's row says); what is used of each window by name (`anthropic-ratelimit-unified-5h-utilization`); and
the fields of the IETF's drafts (datatracker.ietf.org, draft-ietf-httpapi-ratelimit-headers) at any backend.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest

from msgspec import Struct, structs

from pointsman.catalog.provider import RateLimits
from pointsman.routing.moments import moment
from pointsman.wire.headers import Headers, first, http_date

FARTHEST = 32 * 86_400.0
"""Seconds; no window is known that is longer than a month."""
SKEW = 5.0
"""Seconds by which two clocks may differ, and by which an answer may be late."""
MOST = 32
"""Windows that one answer may tell of."""
_WORD = "ratelimit"
_PLAIN = re.compile(r"(?:.*ratelimit(?:bysize)?-|x-)?(?:remaining-)?(.*?)(?:-remaining)?")
_UNIFIED = re.compile(r"(.+)-(utilization|reset|status)")
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_OLD_DRAFT = re.compile(r"(limit|remaining|reset)\s*=\s*(\d{1,15})", re.ASCII)
_NEW_DRAFT = re.compile(r'"([^"]{1,64})"((?:\s*;\s*[a-z]+=[^;,]{1,32})*)', re.ASCII)
_PARAMETER = re.compile(r";\s*([a-z]+)=(\d{1,15})", re.ASCII)
_SEVERAL = ("ratelimit-remaining", "x-ratelimit-remaining")
_NAMES = {"5h": "five_hour", "7d": "seven_day"}
"""Anthropic's short names → the words of its claims."""
_APART = frozenset({"oi", "overage"})
"""Parts of names of windows that count what is paid beside a plan."""


class Window(Struct, frozen=True):
    """One limit."""

    name: str
    """`requests`, `input_tokens`, `five_hour`, `seven_day_opus`, …"""
    utilisation: float
    """0 is unused, 1 is used up; may exceed 1."""
    resets: float | None
    """Seconds since the epoch; None where it is not told."""
    limit: float | None = None
    remaining: float | None = None
    models: tuple[str, ...] = ()
    """Glob patterns, in lower case, of the models that it governs; empty: all of the account's."""
    status: str | None = None
    """The provider's word: `allowed`, `allowed_warning`, `rejected`."""
    apart: bool = False
    """Whether it counts what is paid beside a plan; it governs no model by itself."""

    @property
    def is_full(self) -> bool:
        """Whether nothing is left of it; where the provider says so or not, its word counts."""
        if self.status is not None:
            return self.status == "rejected"
        return self.utilisation >= 1.0 or self.remaining == 0


class Reported(Struct, frozen=True):
    """What one answer's head says."""

    windows: tuple[Window, ...] = ()
    claim: str | None = None
    """The window that speaks for the answer: `five_hour`, `seven_day`, `overage`."""
    status: str | None = None
    """The provider's word: `allowed`, `allowed_warning`, `rejected`."""
    overage: str | None = None
    """The provider's word on extra usage, where it is told."""
    reset: float | None = None
    """When what is rejected opens again, in seconds since the epoch."""


def reported(headers: Headers, limits: RateLimits, model: str, now: float) -> Reported | None:
    """What the head of an answer tells; None where it tells nothing. `now`: seconds since the epoch."""
    wanted = _wanted(limits)
    found = {name: value for name, value in headers if _WORD in name or name in wanted}
    if not found:
        return None
    here, now = now, _provider_time(headers, now)
    scope = (model.lower(),) if limits.per_model else ()
    windows = [*_by_fields(found, limits, scope, now), *_by_draft(found, scope, now)]
    told = _unified(found, limits.unified, now) if limits.unified else Reported()
    windows += told.windows
    if not windows and told.status is None:
        return None
    near = tuple([_believed(window, now, here) for window in windows[:MOST]])
    reset = None if told.reset is None else told.reset + here - now
    return Reported(near, told.claim, told.status, told.overage, reset)


def _provider_time(headers: Headers, now: float) -> float:
    """What the provider's clock says, by which it tells its resets; ours where the two agree."""
    told = http_date(first(headers, "date") or "")
    return now if told is None or abs(told - now) < SKEW else told


def _believed(window: Window, there: float, here: float) -> Window:
    """By our clock, and within bounds."""
    if window.resets is None or (there == here and window.resets <= here + FARTHEST):
        return window
    return structs.replace(window, resets=min(window.resets + here - there, here + FARTHEST))


@lru_cache(maxsize=64)
def _wanted(limits: RateLimits) -> frozenset[str]:
    return frozenset((*limits.remaining, *limits.limit, *limits.reset))


# What is left, by the row's fields


def _by_fields(
    found: Mapping[str, str], limits: RateLimits, scope: tuple[str, ...], now: float
) -> Iterator[Window]:
    fields = zip_longest(limits.remaining, limits.limit, limits.reset[: len(limits.remaining)])
    for remaining, limit, reset in fields:
        window = _of_counts(
            _plain_name(remaining or ""),
            _number(found.get(remaining or "")),
            _number(found.get(limit or "")),
            moment(found.get(reset or ""), now),
            scope,
        )
        if window is not None:
            yield window


@lru_cache(maxsize=256)
def _plain_name(field: str) -> str:
    match = _PLAIN.fullmatch(field)
    name = (match[1] if match else field).replace("-", "_")
    if name in {"", "remaining"}:
        return "requests"
    return name.replace("req_", "requests_", 1) if name.startswith("req_") else name


def _of_counts(
    name: str, left: float | None, limit: float | None, resets: float | None, scope: tuple[str, ...]
) -> Window | None:
    if left is None:
        return None
    used = max(0.0, 1.0 - left / limit) if limit else 0.0 if left else 1.0
    return Window(name, used, resets, limit, left, scope)


def _number(value: str | None) -> float | None:
    text = (value or "").strip()
    return float(text) if _NUMBER.fullmatch(text) else None


# The drafts


def _by_draft(found: Mapping[str, str], scope: tuple[str, ...], now: float) -> Iterator[Window]:
    both = found.get("ratelimit")
    if both is not None:
        yield from _of_one_field(both, found.get("ratelimit-policy", ""), scope, now)
    for field in _SEVERAL[: 0 if both is not None else 1]:
        base = field.removesuffix("-remaining")
        left, limit = _number(found.get(field)), _number((found.get(f"{base}-limit") or "").split(",")[0])
        window = _of_counts("requests", left, limit, moment(found.get(f"{base}-reset"), now), scope)
        if window is not None:
            yield window


def _of_one_field(value: str, policy: str, scope: tuple[str, ...], now: float) -> Iterator[Window]:
    """`limit=100, remaining=50, reset=5`, or `"name";r=50;t=5` with `"name";q=100` in the policy."""
    old = dict(_OLD_DRAFT.findall(value[:1024]))
    if "remaining" in old:
        counts = (_number(old["remaining"]), _number(old.get("limit")), moment(old.get("reset"), now))
        window = _of_counts("requests", *counts, scope)
        if window is not None:
            yield window
        return
    quotas = {name: dict(_PARAMETER.findall(rest)) for name, rest in _NEW_DRAFT.findall(policy[:4096])}
    for name, rest in _NEW_DRAFT.findall(value[:4096])[:MOST]:
        said = dict(_PARAMETER.findall(rest))
        limit = _number(quotas.get(name, {}).get("q"))
        window = _of_counts(name, _number(said.get("r")), limit, moment(said.get("t"), now), scope)
        if window is not None:
            yield window


# What is used of each window


def _unified(found: Mapping[str, str], prefix: str, now: float) -> Reported:
    told: dict[str, dict[str, str]] = {}
    for name, value in found.items():
        match = _UNIFIED.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if match is not None:
            told.setdefault(match[1], {})[match[2]] = value
    claim = found.get(f"{prefix}representative-claim")
    status = found.get(f"{prefix}status")
    reset = moment(found.get(f"{prefix}reset"), now)
    windows = [
        window
        for name, said in told.items()
        if (window := _of_use(name, said, claim, status, reset, now)) is not None
    ]
    return Reported(tuple(windows), claim, status, found.get(f"{prefix}overage-status"), reset)


def _of_use(
    name: str, said: Mapping[str, str], claim: str | None, status: str | None, reset: float | None, now: float
) -> Window | None:
    used = _number(said.get("utilization"))
    if used is None:
        return None
    base, _, part = name.partition("_")
    full = "_".join(filter(None, (_NAMES.get(base, base), part)))
    apart = part in _APART or base in _APART
    models = (f"*{part}*",) if part and not apart else ()
    own = said.get("status") or (status if claim == full else None)
    resets = moment(said.get("reset"), now) or (reset if claim == full else None)
    return Window(full, used, resets, models=models, status=own, apart=apart)

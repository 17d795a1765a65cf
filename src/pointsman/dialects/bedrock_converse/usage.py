"""Token counts: to the canonical buckets and back.

`inputTokens` leaves out what was read from or written to a cache (docs.aws.amazon.com, "Prompt caching");
thinking is part of `outputTokens`. `cacheDetails` divides the writes by lifetime. What was said stays whole
in `extra`, for its own dialect.
"""

from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.usage import Usage

Wire = dict[str, Any]


def read_usage(wire: Json, tier: object = None) -> Usage:
    """One report; `tier` is what stands beside it."""
    short, long = _writes(wire)
    name = cast("Json", tier).get("type") if isinstance(tier, dict) else None
    return Usage(
        input=count(wire, "inputTokens"),
        cache_read=count(wire, "cacheReadInputTokens"),
        cache_write_5m=short,
        cache_write_1h=long,
        output=count(wire, "outputTokens"),
        service_tier=name if isinstance(name, str) else None,
        extra=wire,
    )


def _writes(wire: Json) -> tuple[int | None, int | None]:
    """(for five minutes, for an hour)."""
    total = count(wire, "cacheWriteInputTokens")
    details = wire.get("cacheDetails")
    long = sum(_long(each) for each in cast("list[Any]", details)) if isinstance(details, list) else 0
    if total is None or not long:
        return total, None
    return max(total - long, 0), long


def _long(detail: object) -> int:
    wire: Json = cast("Json", detail) if isinstance(detail, dict) else {}
    return (count(wire, "inputTokens") or 0) if wire.get("ttl") == "1h" else 0


def encode_usage(usage: Usage | None, *, own: bool) -> Wire:
    """The counts of an answer; of one of this dialect as they were said."""
    usage = usage or Usage()
    if own and usage.extra:
        return dict(usage.extra)
    short, long = usage.cache_write_5m, usage.cache_write_1h
    output = (usage.output or 0) + (usage.reasoning or 0)
    wire: Wire = {"inputTokens": usage.input or 0, "outputTokens": output}
    wire["totalTokens"] = sum(filter(None, (usage.input, usage.cache_read, short, long, output)))
    if usage.cache_read is not None:
        wire["cacheReadInputTokens"] = usage.cache_read
    if short is not None or long is not None:
        wire["cacheWriteInputTokens"] = (short or 0) + (long or 0)
    if long:
        details = (("1h", long), ("5m", short))
        wire["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in details if tokens]
    return wire


def count(wire: Json, name: str) -> int | None:
    """A whole number among the members; None for anything else."""
    value = wire.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

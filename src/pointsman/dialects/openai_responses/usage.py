"""Token counts: the dialect's totals and details ↔ disjoint buckets.

`input_tokens` includes what was read from and written to a cache; `output_tokens` includes reasoning.
"""

from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.usage import Usage, count_in


def decode_usage(usage: Json, tier: object = None) -> Usage:
    """The counts of an answer; `tier` is the one that served it."""
    inputs, outputs = _details(usage, "input_tokens_details"), _details(usage, "output_tokens_details")
    read, written = count_in(inputs, "cached_tokens"), count_in(inputs, "cache_write_tokens")
    total, output = count_in(usage, "input_tokens"), count_in(usage, "output_tokens")
    reasoning = count_in(outputs, "reasoning_tokens")
    return Usage(
        input=None if total is None else max(total - (read or 0) - (written or 0), 0),
        cache_read=read,
        cache_write_5m=written,
        output=None if output is None else max(output - (reasoning or 0), 0),
        reasoning=None if output is None else reasoning,
        service_tier=tier if isinstance(tier, str) else None,
    )


def encode_usage(usage: Usage | None) -> dict[str, Any] | None:
    """The counts for a client; the schema demands each of them."""
    if usage is None:
        return None
    read, written = usage.cache_read or 0, (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    total, reasoning = (usage.input or 0) + read + written, usage.reasoning or 0
    output = (usage.output or 0) + reasoning
    return {
        "input_tokens": total,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": total + output,
    }


def _details(usage: Json, key: str) -> Json:
    details = usage.get(key)
    return cast("Json", details) if isinstance(details, dict) else {}

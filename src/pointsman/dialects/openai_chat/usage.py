"""Token counts: the dialect's totals and details ↔ disjoint buckets.

`prompt_tokens` includes what was read from and written to a cache; `completion_tokens` includes reasoning,
except where the total shows that it does not (xAI, Google's compatible endpoint). `prompt_cache_hit_tokens`
is DeepSeek's name for `cached_tokens`; Moonshot says `cached_tokens` beside the totals.
"""

from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage, count_in
from pointsman.dialects.spelling import unlike
from pointsman.wire.json import encode

_READ = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
_WRITTEN = ("cache_write_tokens", "cache_creation_input_tokens")

_ABSENT = SPELLING
"""The member of `extra` that lists what the upstream left out."""


def decode_usage(usage: Json, tier: str | None = None) -> Usage:
    """The counts of an answer or chunk; what cannot be said back from the buckets stays in `extra`."""
    inputs, outputs = _details(usage, "prompt_tokens_details"), _details(usage, "completion_tokens_details")
    read = _first(_READ, inputs, usage)
    written = _first(_WRITTEN, inputs, usage)
    reasoning = count_in(outputs, "reasoning_tokens")
    output, reasoning = _outputs(usage, reasoning)
    total = count_in(usage, "prompt_tokens")
    counted = Usage(
        input=None if total is None else max(total - (read or 0) - (written or 0), 0),
        cache_read=read,
        cache_write_5m=written,
        output=output,
        reasoning=reasoning,
        service_tier=tier,
    )
    rebuilt = encode_usage(counted)
    if encode(rebuilt) == encode(usage):
        return counted
    extra = unlike(usage, rebuilt)
    absent = [key for key in rebuilt if key not in usage]
    return structs.replace(counted, extra={**extra, _ABSENT: absent} if absent else extra)


def _outputs(usage: Json, reasoning: int | None) -> tuple[int | None, int | None]:
    """Output without reasoning, and reasoning."""
    completion = count_in(usage, "completion_tokens")
    if completion is None:
        return None, reasoning
    prompt, total = count_in(usage, "prompt_tokens"), count_in(usage, "total_tokens")
    beside = total - prompt - completion if prompt is not None and total is not None else 0
    if beside > 0 and reasoning in {None, beside}:
        return completion, beside
    return max(completion - (reasoning or 0), 0), reasoning


def _details(usage: Json, key: str) -> Json:
    details = usage.get(key)
    return cast("Json", details) if isinstance(details, dict) else {}


def _first(names: tuple[str, ...], *places: Json) -> int | None:
    for place in places:
        for name in names:
            count = count_in(place, name)
            if count is not None:
                return count
    return None


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The counts for a client; details only where they are known."""
    written = _sum(usage.cache_write_5m, usage.cache_write_1h)
    prompt = _sum(usage.input, usage.cache_read, written) or 0
    completion = _sum(usage.output, usage.reasoning) or 0
    encoded: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    inputs = {"cached_tokens": usage.cache_read, "cache_write_tokens": written}
    outputs = {"reasoning_tokens": usage.reasoning}
    for key, details in (("prompt_tokens_details", inputs), ("completion_tokens_details", outputs)):
        known = {name: count for name, count in details.items() if count is not None}
        if known:
            encoded[key] = known
    return encoded


def own_usage(usage: Usage) -> dict[str, Any]:
    """The counts as an upstream of this dialect said them."""
    encoded = encode_usage(usage)
    for key in cast("list[str]", usage.extra.get(_ABSENT, [])):
        encoded.pop(key, None)
    return {**encoded, **{key: value for key, value in usage.extra.items() if key != _ABSENT}}


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None

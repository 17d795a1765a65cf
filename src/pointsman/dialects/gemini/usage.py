"""Token counts: to the canonical buckets and back.

`promptTokenCount` includes what was read from a cache; what tools of the provider's put in, and the thoughts,
stand beside it and beside the candidates (ai.google.dev, "UsageMetadata"). What a report said stays whole in
`extra`, for its own dialect.
"""

from typing import Any

from pointsman.canon.json import Json
from pointsman.canon.usage import Usage, count_in


def decode_usage(wire: Json) -> Usage:
    """One report, which counts all that came so far."""
    prompt, read = count_in(wire, "promptTokenCount"), count_in(wire, "cachedContentTokenCount")
    tools = count_in(wire, "toolUsePromptTokenCount")
    return Usage(
        input=None if prompt is None else max(prompt - (read or 0), 0) + (tools or 0),
        cache_read=read,
        output=count_in(wire, "candidatesTokenCount"),
        reasoning=count_in(wire, "thoughtsTokenCount"),
        extra=wire,
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The counts for a client; details only where they are known."""
    written = _sum(usage.cache_write_5m, usage.cache_write_1h)
    prompt = _sum(usage.input, usage.cache_read, written) or 0
    known = {
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output,
        "thoughtsTokenCount": usage.reasoning,
    }
    return {
        "promptTokenCount": prompt,
        **{name: count for name, count in known.items() if count is not None},
        "totalTokenCount": prompt + (_sum(usage.output, usage.reasoning) or 0),
    }


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None

"""Token counts: to the canonical buckets and back.

`input_tokens` leaves out what was read from or written to a cache; `output_tokens` includes thinking. What a
report said stays whole in `extra`, for its own dialect.
"""

from typing import Any, cast

from msgspec import structs

from pointsman.canon.json import Json
from pointsman.canon.usage import Usage, count_in

Wire = dict[str, Any]


class UsageReader:
    """Reads the reports of one answer; a later one may leave out how the cache writes divide."""

    def __init__(self) -> None:
        self._long = 0

    def read(self, wire: Json) -> Usage:
        """One report."""
        short, long = self._writes(wire)
        output, reasoning = count_in(wire, "output_tokens"), _thinking(wire)
        if output is not None and reasoning is not None:
            output = max(output - reasoning, 0)
        tier = wire.get("service_tier")
        return Usage(
            input=count_in(wire, "input_tokens"),
            cache_read=count_in(wire, "cache_read_input_tokens"),
            cache_write_5m=short,
            cache_write_1h=long,
            output=output,
            reasoning=reasoning,
            service_tier=tier if isinstance(tier, str) else None,
            extra=wire,
        )

    def _writes(self, wire: Json) -> tuple[int | None, int | None]:
        """(for five minutes, for an hour); without a division, the hour's part is what it was before."""
        divided = _object(wire.get("cache_creation"))
        if divided is not None:
            short = count_in(divided, "ephemeral_5m_input_tokens")
            long = count_in(divided, "ephemeral_1h_input_tokens")
            self._long = long or 0
            return short, long
        total = count_in(wire, "cache_creation_input_tokens")
        return None if total is None else max(total - self._long, 0), None


def encode_usage(usage: Usage | None, estimate: int) -> Wire:
    """The counts of a whole answer, or of one that begins; `estimate` stands for input that is not known."""
    usage = usage or Usage()
    short, long = usage.cache_write_5m, usage.cache_write_1h
    divided = None
    if short is not None or long is not None:
        divided = {"ephemeral_5m_input_tokens": short or 0, "ephemeral_1h_input_tokens": long or 0}
    return {
        **encode_counts(usage, estimate),
        "cache_creation": divided,
        "inference_geo": None,
        "service_tier": _OWN_TIERS.get(usage.service_tier or ""),
    }


def encode_counts(usage: Usage, estimate: int) -> Wire:
    """The counts at the end of a stream."""
    short, long = usage.cache_write_5m, usage.cache_write_1h
    written = None if short is None and long is None else (short or 0) + (long or 0)
    details = None if usage.reasoning is None else {"thinking_tokens": usage.reasoning}
    return {
        "input_tokens": estimate if usage.input is None else usage.input,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": (usage.output or 0) + (usage.reasoning or 0),
        "output_tokens_details": details,
        "server_tool_use": None,
    }


def with_output(usage: Usage | None, characters: int) -> Usage:
    """The counts, with an estimate from the text sent where the upstream said nothing of its output."""
    usage = usage or Usage()
    if usage.output is not None or usage.reasoning is not None:
        return usage
    return structs.replace(usage, output=max(characters // _PER_TOKEN, 1))


_PER_TOKEN = 4
"""Characters."""

_OWN_TIERS = {
    "standard": "standard",
    "priority": "priority",
    "batch": "batch",
    "default": "standard",
    "auto": "standard",
}
"""The tiers that an answer may name, and OpenAI's in their words."""


def _thinking(wire: Json) -> int | None:
    details = _object(wire.get("output_tokens_details"))
    return None if details is None else count_in(details, "thinking_tokens")


def _object(value: object) -> Json | None:
    return cast("Json", value) if isinstance(value, dict) else None

"""Token counts in disjoint buckets."""

from msgspec import Struct

from pointsman.canon.json import Json


class Usage(Struct, frozen=True):
    """Tokens of one exchange. The buckets do not overlap; None means not reported, which is not 0."""

    input: int | None = None
    """Input that was neither read from nor written to a cache."""
    cache_read: int | None = None
    cache_write_5m: int | None = None
    """Written for five minutes, or for a lifetime that the provider did not name."""
    cache_write_1h: int | None = None
    output: int | None = None
    """Output without reasoning, where reasoning is reported; else all output."""
    reasoning: int | None = None
    service_tier: str | None = None
    extra: Json = {}
    """The counters that only their own dialect knows."""

    @property
    def total(self) -> int:
        """All that was reported."""
        read = (self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h)
        return sum(count or 0 for count in (*read, self.output, self.reasoning))


def count_in(place: Json, name: str) -> int | None:
    """A count as servers write it, some of them with a fraction of nothing; None for what is no count."""
    value: object = place.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

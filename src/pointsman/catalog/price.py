"""A price: what the tokens of a model cost, in US dollars for a million."""

from typing import Annotated

from msgspec import Meta, Struct

Rate = Annotated[float, Meta(ge=0, le=1_000_000)]
"""US dollars for a million tokens; the upper bound keeps infinity out."""


class Price(Struct, frozen=True, cache_hash=True):
    """`[prices."MODEL-PATTERN"]`: what you pay, in US dollars for a million tokens."""

    input: Rate | None = None
    """Input that was neither read from nor written to a cache."""
    output: Rate | None = None
    """Output; left out for models that give none, such as those for embeddings."""
    cache_read: Rate | None = None
    """Input read from a cache."""
    cache_write: Rate | None = None
    """Input written to a cache for five minutes, or for a time that the provider does not name."""
    cache_write_1h: Rate | None = None
    """Input written to a cache for an hour."""
    reasoning: Rate | None = None
    """Output that was thinking; as other output if left out."""
    request: Rate = 0.0
    """For a million requests, beside their tokens."""

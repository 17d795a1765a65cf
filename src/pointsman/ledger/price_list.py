"""The list of prices that providers publish: genai-prices (https://github.com/pydantic/genai-prices).

It is imported when the first price is looked up, which takes a tenth of a second and 31 MB: so whoever
looks must not be on a request's way. A price there may depend on the day, on the hour, on how long the input
is, and on the tier that served the request; all of it is settled here, for one exchange.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pointsman.canon.usage import Usage
from pointsman.catalog.price import Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, TieredPrices

_RATES: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok",),
    "cache_write": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "reasoning": ("output_reasoning_mtok",),
}
"""The fields of a price, and what the list calls them, the first that it has."""

_CHOICES: Final = ("service_tier", "speed")
"""What an answer says of how it was served, in the words of its provider and of the list."""

_ORDINARY: Final = frozenset({"auto", "default", "on_demand", "standard"})
"""Words for a service at the usual price."""

_PER_MILLION_REQUESTS = 1000
"""The list's fee is for a thousand."""


def listed(provider: str, model: str, usage: Usage, when: datetime) -> Price | None:
    """The price of an exchange at a provider, as the list names it; None where the list does not say it."""
    found = _find(provider, model)
    if found is None:
        return None
    known, variants = found
    context = _context(usage)
    active = [variant for variant in variants if _holds(variant, when)] if context else []
    if not all(_said(active, choice, context.get(choice)) for choice in _CHOICES):
        return None
    return _settled(known.get_prices(when, context if active else None), _input(usage))


@lru_cache(maxsize=4096)
def _find(provider: str, model: str) -> "tuple[ModelInfo, Sequence[PriceVariant]] | None":
    """A model, and what differs by the way in which it is served."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # see above

    try:
        row, known = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    # What a cloud lends of another company's has that company's price, which says nothing of its own tiers.
    own = any(known is each for each in row.models)
    return known, (known.price_variants or ()) if own else ()


def _context(usage: Usage) -> dict[str, str]:
    """All that the answer says in words of how it was served, but what is usual."""
    words = {name: value.lower() for name, value in usage.extra.items() if isinstance(value, str)}
    if usage.service_tier is not None:
        words["service_tier"] = usage.service_tier.lower()
    return {name: value for name, value in words.items() if value not in _ORDINARY}


def _holds(variant: "PriceVariant", when: datetime) -> bool:
    return variant.constraint is None or variant.constraint.active(when)


def _said(active: "Iterable[PriceVariant]", choice: str, value: str | None) -> bool:
    """Whether the list knows what this way of being served costs."""
    return value is None or any(variant.when.get(choice) == value for variant in active)


def _input(usage: Usage) -> int:
    read = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    return sum(count or 0 for count in read)


def _settled(prices: "ModelPrice", tokens: int) -> Price:
    said: Mapping[str, Decimal | TieredPrices | None] = vars(prices)
    rates = {field: _rate(said, names, tokens) for field, names in _RATES.items()}
    fee = _rate(said, ("requests_kcount",), tokens)
    return Price(**rates, request=(fee or 0.0) * _PER_MILLION_REQUESTS)


def _rate(
    prices: "Mapping[str, Decimal | TieredPrices | None]", names: tuple[str, ...], tokens: int
) -> float | None:
    for name in names:
        value = prices.get(name)
        if value is not None:
            return float(value if isinstance(value, Decimal) else _step(value, tokens))
    return None


def _step(prices: "TieredPrices", tokens: int) -> Decimal:
    """The rate for an input of so many tokens, which holds for all of them."""
    above = (tier.price for tier in reversed(prices.tiers) if tokens > tier.start)
    return next(above, prices.base)

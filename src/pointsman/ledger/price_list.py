"""The list of prices that providers publish: genai-prices (https://github.com/pydantic/genai-prices).

It is imported when the first price is looked up, which takes a tenth of a second and 31 MB: so whoever
looks must not be on a request's way. A price there may depend on the day, on the hour, on how long the input
is, and on the tier that served the request; all of it is settled here, for one exchange.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

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

_MINUTE: Final = 60
"""Seconds: no price begins or ends within one."""

_PER_MILLION_REQUESTS = 1000
"""The list's fee is for a thousand."""


def listed(provider: str, model: str, usage: Usage, when: float) -> Price | None:
    """The price of an exchange at a provider, as the list names it; None where the list does not say it.

    `when` is in seconds since the epoch.
    """
    found = _find(provider, model)
    if found is None:
        return None
    minute = int(when) // _MINUTE * _MINUTE
    # How long the input is matters for some models only, and what is the same need not be settled again.
    tokens = _input(usage) if found.stepped else 0
    return _settled(provider, model, minute, _context(usage), tokens)


@lru_cache(maxsize=4096)
def _settled(
    provider: str, model: str, minute: int, context: tuple[tuple[str, str], ...], tokens: int
) -> Price | None:
    found = _find(provider, model)
    if found is None:
        return None
    said, when = dict(context), datetime.fromtimestamp(minute, UTC)
    active = [variant for variant in found.variants if _holds(variant, when)] if said else []
    if not all(_said(active, choice, said.get(choice)) for choice in _CHOICES):
        return None
    return _price(found.known.get_prices(when, said if active else None), tokens)


class _Found(Struct, frozen=True):
    known: "ModelInfo"
    variants: "Sequence[PriceVariant]"
    """What differs by the way in which it is served."""
    stepped: bool
    """Whether a longer input has another price."""


@lru_cache(maxsize=4096)
def _find(provider: str, model: str) -> _Found | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # see above

    try:
        row, known = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    # What a cloud lends of another company's has that company's price, which says nothing of its own tiers.
    own = any(known is each for each in row.models)
    variants = (known.price_variants or ()) if own else ()
    usual = known.prices if isinstance(known.prices, list) else (known,)
    every = (*(each.prices for each in usual), *(each.prices for each in variants))
    return _Found(known, variants, any(_is_stepped(prices) for prices in every))


def _context(usage: Usage) -> tuple[tuple[str, str], ...]:
    """All that the answer says in words of how it was served, but what is usual."""
    words = [(name, value.lower()) for name, value in usage.extra.items() if isinstance(value, str)]
    if usage.service_tier is not None:
        words.append(("service_tier", usage.service_tier.lower()))
    return tuple([pair for pair in words if pair[1] not in _ORDINARY]) if words else ()


def _holds(variant: "PriceVariant", when: datetime) -> bool:
    return variant.constraint is None or variant.constraint.active(when)


def _said(active: "Iterable[PriceVariant]", choice: str, value: str | None) -> bool:
    """Whether the list knows what this way of being served costs."""
    return value is None or any(variant.when.get(choice) == value for variant in active)


def _input(usage: Usage) -> int:
    read = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    return sum(count or 0 for count in read)


def _is_stepped(prices: object) -> bool:
    return any(hasattr(rate, "tiers") for rate in vars(prices).values())


def _price(prices: "ModelPrice", tokens: int) -> Price:
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

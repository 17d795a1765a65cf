"""What an exchange cost, by its tokens and the price of its model.

Only what is known is told: where tokens were counted whose rate nobody knows, the whole is unknown. Fees for
what a provider does beside them (searches, code that it runs) are not in it, nor what it asks more for
sound and pictures, since the counts do not tell these apart.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Protocol

from pointsman.canon.usage import Usage
from pointsman.catalog.price import Price
from pointsman.catalog.provider import Provider
from pointsman.ledger.trace import Trace

_MILLION = Decimal(1_000_000)


class Listed(Protocol):
    """A list of the prices that providers publish."""

    def __call__(self, provider: str, model: str, usage: Usage, when: datetime, /) -> Price | None:
        """The price of such an exchange at a provider, as the list names it; None where it is not known."""
        ...


class Costs:
    """Reckons what exchanges cost: by the user's own prices, else by the list."""

    def __init__(self, own: Mapping[str, Price], providers: Mapping[str, Provider], listed: Listed) -> None:
        """`own` are prices by the pattern of a model's name, the first that matches wins; `providers` are the
        catalog's rows."""
        self._own = {pattern.lower(): price for pattern, price in own.items()}
        self.providers = providers
        self._listed = listed

    def of(self, trace: Trace) -> Decimal | None:
        """The cost of a finished exchange in US dollars; None where it is not known."""
        model, usage = trace.model, trace.usage
        if model is None:
            return None
        price = self._own_price(f"{trace.backend}:{model}", model)
        row = self.providers.get(trace.issuer or "")
        if price is None and row is not None and any(fnmatchcase(model.lower(), each) for each in row.free):
            return Decimal(0)
        if usage is None:
            return None
        if price is None and row is not None and row.price_list:
            when = datetime.fromtimestamp(trace.started, UTC)
            price = self._listed(row.price_list, model, usage, when)
        return None if price is None else cost(usage, price)

    def _own_price(self, *names: str) -> Price | None:
        for pattern, price in self._own.items():
            if any(fnmatchcase(name.lower(), pattern) for name in names):
                return price
        return None


def cost(usage: Usage, price: Price) -> Decimal | None:
    """US dollars, exactly; None where tokens have no rate, or one side was not counted at all."""
    if not _counted(usage, price):
        return None
    total = Decimal(str(price.request))
    for count, rate in _parts(usage, price):
        if not count:
            continue
        if rate is None:
            return None
        total += count * Decimal(str(rate))
    return total / _MILLION


def _parts(usage: Usage, price: Price) -> Iterator[tuple[int | None, float | None]]:
    yield usage.input, price.input
    yield usage.cache_read, price.cache_read
    yield usage.cache_write_5m, price.cache_write
    yield usage.cache_write_1h, price.cache_write_1h
    yield usage.output, price.output
    yield usage.reasoning, price.output if price.reasoning is None else price.reasoning


def _counted(usage: Usage, price: Price) -> bool:
    """Whether both sides were counted; a price without a rate for output is of a model that gives none."""
    read = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    written = (usage.output, usage.reasoning)
    return any(count is not None for count in read) and (
        price.output is None or any(count is not None for count in written)
    )

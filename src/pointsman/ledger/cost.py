"""What an exchange cost, by its tokens and the price of its model.

Only what is known is told: where tokens were counted whose rate nobody knows, the whole is unknown. Fees for
what a provider does beside them (searches, code that it runs) are not in it, nor what it asks more for
sound and pictures, since the counts do not tell these apart.
"""

from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from pointsman.canon.usage import Usage
from pointsman.catalog.price import Price
from pointsman.catalog.provider import Provider
from pointsman.ledger.trace import Trace
from pointsman.routing.snapshot import Backend

_MODELS = 1024
"""Models of backends that are remembered."""
_NOTHING = (None, None)
_NOWHERE = (None, None, None, None)
_MILLION = Decimal(1_000_000)


class Listed(Protocol):
    """A list of the prices that providers publish."""

    def __call__(self, provider: str, model: str, usage: Usage, when: float, /) -> Price | None:
        """The price of such an exchange at a provider, as the list names it; None where it is not known.

        `when` is in seconds since the epoch.
        """
        ...


class _Rule(Struct, frozen=True):
    """Where the price of a backend's model is found."""

    price: Price | None
    """The user's own."""
    listed_as: str = ""
    """What the list calls its provider."""
    free: bool = False


class Costs:
    """Reckons what exchanges cost: by the user's own prices, else by the list."""

    def __init__(self, own: Mapping[str, Price], providers: Mapping[str, Provider], listed: Listed) -> None:
        """`own` are prices by the pattern of a model's name, the first that matches wins; `providers` are the
        catalog's rows."""
        self._own = {pattern.lower(): price for pattern, price in own.items()}
        self.providers = providers
        self._listed = listed
        self._rule = lru_cache(maxsize=_MODELS)(self._find_rule)

    def of(self, trace: Trace) -> Decimal | None:
        """The cost of a finished exchange in US dollars; None where it is not known."""
        if trace.model is None:
            return None
        rule = self._rule(trace.backend, trace.model, trace.issuer or "")
        return self._by(rule, trace.model, trace.usage, trace.started)

    def at(self, backend: Backend, model: str, usage: Usage, when: float) -> Decimal | None:
        """What so many tokens would cost at a backend, likewise. `when`: seconds since the epoch."""
        return self._by(self._rule(backend.name, model, backend.provider.name), model, usage, when)

    def is_free(self, trace: Trace) -> bool:
        """Whether nobody pays for the model, however much it is used."""
        rule = self._rule(trace.backend, trace.model or "", trace.issuer or "")
        return rule.free or (rule.price is not None and _asks_nothing(rule.price))

    def warm(self) -> None:
        """Loads the list, which takes a while, before anybody waits for a price."""
        self._listed("", "", Usage(), 0.0)

    def _by(self, rule: _Rule, model: str, usage: Usage | None, when: float) -> Decimal | None:
        if rule.free:
            return Decimal(0)
        if usage is None:
            return None
        price = rule.price
        if price is None and rule.listed_as:
            price = self._listed(rule.listed_as, model, usage, when)
        return None if price is None else cost(usage, price)

    def _find_rule(self, backend: str | None, model: str, issuer: str) -> _Rule:
        price = self._own_price(f"{backend}:{model}", model)
        row = self.providers.get(issuer)
        if price is not None or row is None:
            return _Rule(price)
        return _Rule(None, row.price_list, any(fnmatchcase(model.lower(), each) for each in row.free))

    def _own_price(self, *names: str) -> Price | None:
        for pattern, price in self._own.items():
            if any(fnmatchcase(name.lower(), pattern) for name in names):
                return price
        return None


def _asks_nothing(price: Price) -> bool:
    """Whether it is 0 wherever it says anything."""
    rates = (price.input, price.output, price.cache_read, price.cache_write, price.cache_write_1h)
    return not price.request and not any((*rates, price.reasoning)) and any(rate == 0 for rate in rates)


def cost(usage: Usage, price: Price) -> Decimal | None:
    """US dollars, exactly; None where tokens have no rate, or one side was not counted at all."""
    read = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    written = (usage.output, usage.reasoning)
    # A price without a rate for output is of a model that gives none.
    if read == _NOWHERE or (written == _NOTHING and price.output is not None):
        return None
    total = _per_one(price.request)
    for count, rate in zip((*read, *written), _rates(price), strict=True):
        if count:
            if rate is None:
                return None
            total += count * rate
    return total


@lru_cache(maxsize=1024)
def _rates(price: Price) -> tuple[Decimal | None, ...]:
    """The rates of the counts, in their order, for one token each."""
    reasoning = price.output if price.reasoning is None else price.reasoning
    read = (price.input, price.cache_read, price.cache_write, price.cache_write_1h)
    return tuple([None if rate is None else _per_one(rate) for rate in (*read, price.output, reasoning)])


@lru_cache(maxsize=1024)
def _per_one(rate: float) -> Decimal:
    """A rate for a million as it is written, exactly: 0.1 is a tenth."""
    return Decimal(str(rate)) / _MILLION

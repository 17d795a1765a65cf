"""Budgets: so many tokens or dollars in a day or a month, so many requests in a minute. Pure.

What a request will take is reserved before it goes, by estimate, and settled after: so all that go at once
overshoot by no more than their estimates were too low. Times are seconds since the epoch; days and months are
those of UTC. Money is in whole billionths of a US dollar.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from msgspec import Struct, structs

Period: TypeAlias = Literal["minute", "day", "month"]
Unit: TypeAlias = Literal["requests", "tokens", "dollars"]


class Budget(Struct, frozen=True):
    """One."""

    name: str
    unit: Unit
    most: int
    per: Period
    models: tuple[str, ...] = ()
    """Glob patterns of the models that it is for, in lower case; empty: all."""
    key: str | None = None
    """The client's key that it is for; None: all traffic."""

    def covers(self, key: str | None, models: Iterable[str]) -> bool:
        """Whether a request counts against it."""
        if self.key is not None and self.key != key:
            return False
        names = [model.lower() for model in models]
        return not self.models or any(fnmatchcase(name, each) for name in names for each in self.models)


class Amount(Struct, frozen=True):
    """What a request takes."""

    requests: int = 1
    tokens: int = 0
    dollars: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.requests + other.requests, self.tokens + other.tokens, self.dollars + other.dollars
        )

    def of(self, unit: Unit) -> int:
        """In one unit."""
        return {"requests": self.requests, "tokens": self.tokens, "dollars": self.dollars}[unit]


NOTHING = Amount(0)


class Exceeded(Struct, frozen=True):
    """A budget that has not room for a request."""

    budget: Budget
    resets: float
    """When the next period begins."""
    for_now: bool = False
    """Whether what is under way may turn out to leave room."""


class Reserved(Struct, frozen=True):
    """What was set aside for one request."""

    budgets: tuple[Budget, ...]
    amount: Amount
    at: float
    models: tuple[str, ...] = ()
    """For whom."""


def begins(per: Period, now: float) -> float:
    """When the period began in which a moment lies."""
    moment = datetime.fromtimestamp(now, UTC).replace(second=0, microsecond=0)
    if per != "minute":
        moment = moment.replace(hour=0, minute=0)
    return (moment.replace(day=1) if per == "month" else moment).timestamp()


def ends(per: Period, now: float) -> float:
    """When the next one begins."""
    start = datetime.fromtimestamp(begins(per, now), UTC)
    days = monthrange(start.year, start.month)[1]
    return (
        start + {"minute": timedelta(minutes=1), "day": timedelta(1), "month": timedelta(days)}[per]
    ).timestamp()


class Account(Struct):
    """What is spent of one budget in its present period; what is under way is in it by estimate."""

    began: float
    spent: int = 0
    reserved: int = 0
    """What of it is an estimate."""


class Books:
    """What is spent of every budget."""

    def __init__(self, budgets: Sequence[Budget] = ()) -> None:
        self.budgets = tuple(budgets)
        self._accounts: dict[Budget, Account] = {}
        """By the budget without its amount: one that is raised, or comes back, has spent what it has."""

    def follow(self, budgets: Sequence[Budget]) -> None:
        """The budgets in force; what was spent is kept to the end of its period."""
        self.budgets = tuple(budgets)

    def spent(self, budget: Budget, now: float) -> int:
        """In the present period."""
        return self._account(budget, now).spent

    def recall(self, budget: Budget, amount: Amount, now: float) -> None:
        """What was spent in the present period, as the ledger knows it: of it some may be known here too, but
        nothing of what is under way here."""
        account = self._account(budget, now)
        account.spent = max(account.spent, amount.of(budget.unit) + account.reserved)

    def reserve(
        self, key: str | None, models: Sequence[str], amount: Amount, now: float, *, free: bool = False
    ) -> Reserved | Exceeded:
        """Sets aside what a request will take, of every budget that it counts against, or of none.

        A budget that is not used up yet takes a request, however large. What is free is a request, no more.
        """
        covering = tuple(
            budget
            for budget in self.budgets
            if budget.covers(key, models) and (budget.unit == "requests" or not free)
        )
        for budget in covering:
            account = self._account(budget, now)
            if account.spent >= budget.most:
                for_now = account.spent - account.reserved < budget.most
                return Exceeded(budget, ends(budget.per, now), for_now)
        for budget in covering:
            account = self._account(budget, now)
            account.spent += amount.of(budget.unit)
            account.reserved += amount.of(budget.unit)
        return Reserved(covering, amount, now, tuple(models))

    def settle(self, reserved: Reserved, amount: Amount, now: float) -> None:
        """What it took in truth. What was reserved in a period that is over stands there no longer."""
        for budget in reserved.budgets:
            account = self._account(budget, now)
            before = reserved.amount.of(budget.unit) if reserved.at >= account.began else 0
            account.spent += amount.of(budget.unit) - before
            account.reserved -= before

    def states(self, now: float) -> Iterator[tuple[Budget, int, float]]:
        """Each budget, what is spent of it, and when it begins anew."""
        return ((budget, self.spent(budget, now), ends(budget.per, now)) for budget in self.budgets)

    def _account(self, budget: Budget, now: float) -> Account:
        same = structs.replace(budget, most=0)
        began, account = begins(budget.per, now), self._accounts.get(same)
        if account is None or account.began < began:
            account = self._accounts[same] = Account(began)
        return account

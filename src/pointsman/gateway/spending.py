"""Spending: what may be spent on a request before it goes, and what it has cost after.

Budgets are asked before any backend is; the guard hears what each answer is billed to, and is asked before
each attempt.
"""

from collections.abc import Callable
from math import ceil

from pointsman.canon.errors import BudgetError, ForbiddenError, HaltedError
from pointsman.canon.intent import EMBEDDING
from pointsman.canon.usage import Usage
from pointsman.catalog.provider import Provider
from pointsman.gateway.exchange import Exchange
from pointsman.ledger.billing import billed_to, is_billed
from pointsman.ledger.cost import Costs
from pointsman.ledger.estimate import with_estimate
from pointsman.ledger.guard import Guard
from pointsman.ledger.record import LONGEST, NANO
from pointsman.ledger.trace import Trace
from pointsman.routing.budget import NOTHING, Amount, Books, Exceeded
from pointsman.routing.plan import Candidate, Plan

MOST_TOLD = 20
"""Models without a price that are named: clients make names up."""
ANSWER = 1000
"""Tokens that an answer is taken to have until it is there."""
SOON = 1.0
"""Seconds after which what is under way may have left room."""
_PER_TOKEN = 3.0
"""Bytes of a request's JSON."""


class Spending:
    """One endpoint's."""

    def __init__(
        self, books: Books, guard: Guard, costs: Callable[[], Costs], wall: Callable[[], float]
    ) -> None:
        """`costs` gives those in force; `wall` seconds since the epoch."""
        self.books = books
        self.guard = guard
        self._costs = costs
        self._wall = wall
        self.unpriced: set[str] = set()
        """Models that money budgets cannot count."""

    def permit(self, exchange: Exchange, plan: Plan) -> Plan:
        """The plan as far as the client's key may go it. Raises ForbiddenError where it may not at all."""
        return _permitted(exchange, plan)

    def reserve(self, exchange: Exchange, candidate: Candidate, trace: Trace) -> None:
        """Sets aside what a candidate will take, in place of what the one before was to take.

        Raises BudgetError where a budget that it counts against is used up.
        """
        if not self.books.budgets:
            return
        now, models = self._wall(), _budgeted(candidate)
        if trace.reserved is not None:
            if trace.reserved.models == models:
                return
            self.books.settle(trace.reserved, NOTHING, now)
            trace.reserved = None
        expected = self._expected(exchange, candidate, trace)
        found = self.books.reserve(trace.key, models, expected, now, free=not is_billed(trace))
        if isinstance(found, Exceeded):
            raise BudgetError(_told(found), SOON if found.for_now else max(0.0, found.resets - now))
        trace.reserved = found

    def _expected(self, exchange: Exchange, candidate: Candidate, trace: Trace) -> Amount:
        read = ceil(len(exchange.body) / _PER_TOKEN)
        written = 0 if exchange.intent.operation in EMBEDDING else ANSWER
        usage = Usage(input=read, output=written)
        dollars = self._costs().at(candidate.backend, candidate.model, usage, trace.started)
        by_money = any(budget.unit == "dollars" for budget in self.books.budgets)
        if dollars is None and by_money and len(self.unpriced) < MOST_TOLD:
            self.unpriced.add(candidate.model[:LONGEST])
        return Amount(1, usage.total, 0 if dollars is None else round(dollars * NANO))

    def settle(self, trace: Trace) -> None:
        """What an exchange took in truth."""
        if trace.reserved is None:
            return
        with_estimate(trace)
        tokens = 0 if trace.usage is None else trace.usage.total
        dollars = self._costs().of(trace)
        amount = Amount(1, tokens, 0 if dollars is None else round(dollars * NANO))
        self.books.settle(trace.reserved, amount, self._wall())

    def check_halted(self, backend: str, trace: Trace) -> None:
        """Raises HaltedError for a backend that the guard has halted, unless nobody is billed for it."""
        if not is_billed(trace):
            return
        halt = self.guard.halted(backend, self._wall())
        if halt is not None:
            raise HaltedError(
                f"{halt.why}; the guard has halted {backend}. `pointsman resume` lets it go on",
                max(0.0, halt.until - self._wall()),
            )

    def note(self, trace: Trace, provider: Provider) -> None:
        """An answer has begun, and said what it counts against."""
        if self.guard.rules.mode != "off" and is_billed(trace) and not self._costs().is_free(trace):
            bucket = billed_to(trace, provider)
            backend, account = trace.backend or "", trace.account or ""
            self.guard.note(backend, account, bucket, trace.claim, self._wall())

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        models = ", ".join(sorted(self.unpriced)[:5])
        unknown = (f"the price of {models} is not known, so money budgets do not count it",) if models else ()
        return (*self.guard.warnings(self._wall()), *unknown)


def _permitted(exchange: Exchange, plan: Plan) -> Plan:
    """Raises ForbiddenError where the first candidate is none of what the client's key is for."""
    key = exchange.client_key
    if key is None:
        return plan
    if not key.may_use(*_names(exchange, plan.candidates[0])):
        raise ForbiddenError(
            f"key {key.name} may not use {exchange.intent.model}; it is for {', '.join(key.models)}. "
            "Ask for one of them, or have whoever runs this endpoint add it",
            "key",
        )
    allowed = [each for each in plan.candidates if key.may_use(*_names(exchange, each))]
    return plan.only(allowed)


def _names(exchange: Exchange, candidate: Candidate) -> tuple[str, ...]:
    """All that a model may be called: as it was asked for, where it leads, and with the backend's name."""
    asked = () if candidate.rule == "fallback" else (exchange.intent.model or "",)
    return (*asked, candidate.model, f"{candidate.backend.name}:{candidate.model}")


def _budgeted(candidate: Candidate) -> tuple[str, ...]:
    """What budgets know a model by: by what is answered with, as the ledger does, not by what was asked."""
    return (candidate.model, f"{candidate.backend.name}:{candidate.model}")


def _told(found: Exceeded) -> str:
    budget = found.budget
    dollars = f"${budget.most / NANO:,.4f}".rstrip("0").rstrip(".")
    most = dollars if budget.unit == "dollars" else f"{budget.most:,} {budget.unit}"
    if found.for_now:
        return (
            f"budget {budget.name} ({most} a {budget.per}) has no room beside what is under way; try again "
            "in a moment"
        )
    return (
        f"budget {budget.name} is used up: {most} a {budget.per}; wait until it begins anew, or have whoever "
        "runs this endpoint raise it"
    )

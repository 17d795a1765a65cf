"""Attempts: the order in which a plan is tried, as a generator without I/O.

It yields what to do next, `Attempt`, `Pause` or `Queue`, and receives the `Outcome` of each attempt. One
round tries each account of each candidate at most once, save for failures that pass by themselves. It ends
when an attempt is committed, or when nothing is left to try. After the commit nothing is ever replayed.
"""

from collections.abc import Callable, Generator
from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.routing.plan import Candidate, Plan

RETRIED_STATUSES = frozenset({502, 503, 504, 529})
"""Statuses that may pass by themselves: tried once more on the same account."""
ACCOUNT_STATUSES = frozenset({401, 402, 403, 429})
"""Statuses that are about the account: another one may be served."""
EXTRA = 2
"""What a request may try beyond its accounts, over all rounds."""


class Attempt(Struct, frozen=True):
    """Try this candidate with an account of its pool."""

    candidate: Candidate
    tried: frozenset[str] = frozenset()
    """The accounts that have had their turn in this round."""
    again: str | None = None
    """The account that is to have another one."""


class Pause(Struct, frozen=True):
    """Let time pass."""

    seconds: float
    why: str


class Queue(Struct, frozen=True):
    """Wait among others until an account is free."""

    seconds: float
    """When the first one is said to be."""


class Outcome(Struct, frozen=True):
    """How an attempt ended."""

    kind: Literal["committed", "refused", "unreachable", "stale", "silent", "out", "unfit"]
    """`stale`: a kept connection was closed before the request was read; a new one will do. `silent`: it
    answered with nothing, or nothing that could be read. `out`: no account could be had. `unfit`: the
    candidate cannot do what the request needs."""
    status: int = 0
    retry_after: float | None = None
    """Seconds."""
    account: str = ""
    final: bool = False
    """Whether nobody else is to be asked, whatever the status."""


class Patience(Struct, frozen=True):
    """How long a request may be kept trying."""

    max_attempts: int | None = None
    """Over all rounds; None for the number of accounts and `EXTRA`."""
    queue_timeout: float = 0.0
    """Seconds that a request may wait for a limit to reset."""
    pause: float = 0.25
    """Seconds before the same account is tried again; up to as much again is added at random."""

    def most(self, plan: Plan) -> int:
        """How many attempts a plan may take."""
        if self.max_attempts is not None:
            return self.max_attempts
        return EXTRA + sum(len(candidate.backend.pool) for candidate in plan.candidates)


Step: TypeAlias = Attempt | Pause | Queue


def attempts(
    plan: Plan, patience: Patience, random: Callable[[], float]
) -> Generator[Step, Outcome | None, None]:
    """The steps of one request. `random` gives numbers from 0 to 1."""
    course = _Course(patience, random, patience.most(plan))
    for first_round in (True, False):
        course.reset = None
        later = sum(len(candidate.backend.pool) for candidate in plan.candidates)
        for candidate in plan.candidates:
            later -= len(candidate.backend.pool)
            course.later = later if first_round else 0
            yield from course.candidate(candidate)
            if course.over:
                return
        reset = course.reset
        if not first_round or reset is None or reset > patience.queue_timeout:
            return
        yield Queue(reset)


class _Course:
    """One request's attempts so far."""

    def __init__(self, patience: Patience, random: Callable[[], float], most: int) -> None:
        self._patience = patience
        self._random = random
        self._left = most
        self.later = 0
        """Accounts of later candidates, whose first turn goes before anybody's second."""
        self.over = False
        self.reset: float | None = None
        """Seconds until the first limit of this round resets."""

    def candidate(self, candidate: Candidate) -> Generator[Step, Outcome | None, None]:
        """Its accounts, one after the other."""
        tried: set[str] = set()
        again: str | None = None
        while not self.over and len(tried) < len(candidate.backend.pool):
            outcome = yield Attempt(candidate, frozenset(tried), again)
            if outcome is None or outcome.kind == "committed":
                self.over = True
                return
            self._note(outcome)
            if outcome.kind in {"out", "unfit"}:
                return
            self._left -= 1
            self.over = self._left <= 0 or _is_final(outcome)
            if again is None and not self.over and self._worth_repeating(outcome):
                again = outcome.account
                if outcome.kind != "stale":
                    yield self._pause(outcome)
                continue
            again = None
            tried.add(outcome.account)
            if outcome.kind == "silent":
                # Whoever speaks something else will go on doing so, with any account.
                return

    def _note(self, outcome: Outcome) -> None:
        limited = outcome.kind == "out" or outcome.status == 429
        if limited and outcome.retry_after is not None:
            self.reset = outcome.retry_after if self.reset is None else min(self.reset, outcome.retry_after)

    def _worth_repeating(self, outcome: Outcome) -> bool:
        if (outcome.retry_after or 0.0) > self._patience.queue_timeout or self._left <= self.later:
            return False
        if outcome.kind == "refused":
            return outcome.status in RETRIED_STATUSES
        return outcome.kind in {"unreachable", "stale"}

    def _pause(self, outcome: Outcome) -> Pause:
        # Jitter comes on top: nobody comes back before the time that the backend gave.
        after = (outcome.retry_after or 0.0) + self._patience.pause * (1 + self._random())
        return Pause(after, "the backend may recover")


def _is_final(outcome: Outcome) -> bool:
    """Whether the request itself is at fault, so that nobody would answer it."""
    if outcome.final:
        return True
    return outcome.kind == "refused" and outcome.status < 500 and outcome.status not in ACCOUNT_STATUSES

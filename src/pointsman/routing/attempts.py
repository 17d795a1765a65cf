"""Attempts: the order in which a plan is tried, as a generator without I/O.

It yields what to do next, `Attempt` or `Wait`, and receives the `Outcome` of each attempt. It ends when an
attempt is committed, or when nothing is left to try: the last outcome is then the answer. After the commit
nothing is ever replayed.
"""

from collections.abc import Callable, Generator
from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.routing.plan import Candidate, Plan

RETRIED_STATUSES = frozenset({502, 503, 504, 529})
"""Statuses that may pass by themselves: tried once more on the same account."""


class Attempt(Struct, frozen=True):
    """Try this candidate."""

    candidate: Candidate


class Wait(Struct, frozen=True):
    """Let time pass."""

    seconds: float
    why: str


class Outcome(Struct, frozen=True):
    """How an attempt ended."""

    kind: Literal["committed", "refused", "unreachable", "stale"]
    """`stale`: a kept connection was closed before the request was read; a new one will do."""
    status: int = 0
    retry_after: float | None = None
    """Seconds."""


class Patience(Struct, frozen=True):
    """How long a request may be kept trying."""

    max_attempts: int = 3
    """Over all rounds."""
    queue_timeout: float = 0.0
    """Seconds that a request may wait for a limit to reset."""
    pause: float = 0.25
    """Seconds before the same account is tried again; up to as much again is added at random."""


Step: TypeAlias = Attempt | Wait


def attempts(
    plan: Plan, patience: Patience, random: Callable[[], float]
) -> Generator[Step, Outcome | None, None]:
    """The steps of one request. `random` gives numbers from 0 to 1."""
    number = 0
    for first_round in (True, False):
        reset: float | None = None
        for candidate in plan.candidates:
            stale, after = False, 0.0
            for again in (False, True):
                if number >= patience.max_attempts:
                    return
                if again and not stale:
                    # Jitter comes on top: nobody comes back before the time that the backend gave.
                    yield Wait(after + patience.pause * (1 + random()), "the backend may recover")
                number += 1
                outcome = yield Attempt(candidate)
                if outcome is None or outcome.kind == "committed":
                    return
                reset = _earliest(reset, outcome)
                stale, after = outcome.kind == "stale", outcome.retry_after or 0.0
                if not stale and not _worth_repeating(outcome, patience):
                    break
        waits = first_round and reset is not None and reset <= patience.queue_timeout
        if reset is None or not waits or number >= patience.max_attempts:
            return
        yield Wait(reset, "the earliest limit resets")


def _worth_repeating(outcome: Outcome, patience: Patience) -> bool:
    if (outcome.retry_after or 0.0) > patience.queue_timeout:
        return False
    return outcome.kind == "unreachable" or outcome.status in RETRIED_STATUSES


def _earliest(reset: float | None, outcome: Outcome) -> float | None:
    if outcome.status != 429 or outcome.retry_after is None:
        return reset
    return outcome.retry_after if reset is None else min(reset, outcome.retry_after)

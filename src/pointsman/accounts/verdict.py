"""The verdict: what the end of an attempt means for the standing of its account and its backend."""

from collections.abc import Callable
from math import inf

from msgspec import Struct

from pointsman.canon.errors import FaultKind
from pointsman.routing.attempts import ACCOUNT_STATUSES, Outcome
from pointsman.routing.roster import Roster
from pointsman.routing.standing import EVERY, Block, Standing
from pointsman.routing.window import Reported

SHORTEST = 1.0
"""Seconds of the first cool-down where the provider names no time."""
LONGEST = 300.0
FAILED = 1.0
"""Seconds that an account is taken to need once it has failed, at least; four times as long each time."""
SLOWEST = 60.0
LONGEST_TOLD = 7 * 86_400.0
"""Seconds that a provider's own word is believed; then one request finds out."""
UNPAID = 60.0
"""Seconds of the first cool-down of an account that has nothing left to spend."""
UNPAID_LONGEST = 3600.0
GAP = 0.25
"""Seconds between two requests once a limit opens again; half with each answer, until that is
`SHORTEST_GAP`."""
SHORTEST_GAP = 0.01
MOST_MODELS = 100
"""Blocks that one account may have."""
MOST_WINDOWS = 100
"""Windows that one account may have."""
_SMOOTHING = 0.3
"""What the latest answer counts in the average of latencies."""


class Failure(Struct, frozen=True):
    """What is known of a failure beside its outcome."""

    why: str
    """The backend's words, or ours."""
    kind: FaultKind | None = None
    """Of the backend's error."""
    key: str | None = None
    """The fingerprint of the key that went along."""


class Verdict:
    """Changes standings. Clock and randomness come in as arguments of the pool."""

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch, `random` numbers from 0 to 1."""
        self._clock = clock
        self._random = random

    def hear(self, standing: Standing, told: Reported) -> None:
        """What the head of an answer says of the account's limits."""
        now = self._clock()
        standing.reported = now
        standing.status, standing.claim, standing.overage = told.status, told.claim, told.overage
        new = {(window.name, window.models) for window in told.windows}
        kept = [
            window
            for window in standing.windows
            if (window.name, window.models) not in new and (window.resets is None or window.resets > now)
        ]
        # Those of models that were asked for earlier; the latest first.
        standing.windows = (*told.windows, *kept)[:MOST_WINDOWS]

    def succeed(self, roster: Roster, standing: Standing, model: str, seconds: float | None) -> None:
        """An answer came; `seconds` until its first byte."""
        roster.breaker.succeed()
        standing.breaker.succeed()
        began = self._clock() - (seconds or 0.0)
        for scope in (model, EVERY) if standing.blocks else ():
            # What was asked before the limit was reached says nothing of it.
            if scope in standing.blocks and standing.blocks[scope].since <= began:
                del standing.blocks[scope]
        if standing.gap and standing.block(model, self._clock()) is None:
            standing.gap = standing.gap / 2 if standing.gap > SHORTEST_GAP else 0.0
        if seconds is not None:
            before = standing.latency
            standing.latency = seconds if before is None else before + _SMOOTHING * (seconds - before)

    def fail(
        self, roster: Roster, standing: Standing, model: str, outcome: Outcome, failure: Failure
    ) -> None:
        """None came."""
        why, kind = failure.why, failure.kind
        now = self._clock()
        if outcome.kind in {"stale", "out", "unfit"}:
            return
        # Who fails fast does not answer soon.
        standing.latency = min(SLOWEST, max(standing.latency or 0.0, FAILED / 4) * 4)
        if outcome.kind in {"unreachable", "silent"}:
            roster.breaker.fail(now, why, self._random)
            if len(roster.standings) > 1:
                # The others may be answered all the while, as where a proxy cuts off one key.
                standing.breaker.fail(now, why, self._random)
            return
        roster.breaker.succeed()
        if outcome.status == 401:
            self._block(standing, EVERY, Block(inf, why, "refused", now, key=failure.key))
        elif outcome.status == 403 and not outcome.final:
            self._block(standing, model, Block(inf, why, "refused", now, key=failure.key))
        elif outcome.status == 402 or (outcome.status == 429 and kind == "billing"):
            self._cool(standing, EVERY, outcome.retry_after, why, (UNPAID, UNPAID_LONGEST))
        elif outcome.status == 429:
            scope = EVERY if _is_all_rejected(standing) else model
            self._cool(standing, scope, outcome.retry_after, why, (SHORTEST, LONGEST))
        if outcome.status >= 500:
            self._rest(standing, model, outcome.retry_after, why)
            standing.breaker.fail(now, why, self._random)
        elif outcome.status not in ACCOUNT_STATUSES:
            # Who refuses an account has not shown that it can answer.
            standing.breaker.succeed()

    def _cool(
        self, standing: Standing, model: str, after: float | None, why: str, bounds: tuple[float, float]
    ) -> None:
        """Until the provider's time, or for longer with each repetition."""
        now = self._clock()
        standing.gap = GAP
        earlier = standing.blocks.get(model)
        if after is not None:
            self._block(standing, model, Block(now + min(after, LONGEST_TOLD), why, "limit", now))
            return
        if earlier is not None and earlier.until > now and not earlier.guessed:
            # It was under way when the provider named its time to another request.
            return
        repeats = 0 if earlier is None else earlier.repeats + 1
        shortest, longest = bounds
        seconds = min(longest, shortest * 2.0 ** min(repeats, 16)) * (1 + self._random() / 4)
        self._block(standing, model, Block(now + seconds, why, "limit", now, repeats, guessed=True))

    def _rest(self, standing: Standing, model: str, after: float | None, why: str) -> None:
        """As long as a provider asks for that cannot serve anybody: a limit it is not."""
        now = self._clock()
        earlier = standing.blocks.get(model)
        after = None if after is None else min(after, LONGEST_TOLD)
        if after is not None and (earlier is None or earlier.until < now + after):
            standing.gap = GAP
            self._block(standing, model, Block(now + after, why, "failing", now))

    def _block(self, standing: Standing, model: str, block: Block) -> None:
        if model not in standing.blocks and len(standing.blocks) >= MOST_MODELS:
            gone = min(standing.blocks, key=lambda name: standing.blocks[name].until)
            del standing.blocks[gone]
        standing.blocks[model] = block


def _is_all_rejected(standing: Standing) -> bool:
    """Whether a window that counts all models is used up by the provider's own word."""
    return any(window.status == "rejected" and not window.models for window in standing.windows)

"""A roster: the accounts of one backend, and the choice among them.

`select` is the whole policy: it reads, and changes nothing. Who calls it reserves what it chose before anyone
else can ask.
"""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TypeAlias

from msgspec import Struct, field

from pointsman.routing.breaker import Breaker
from pointsman.routing.standing import Hindrance, Standing, Wait

FLOOR = 0.02
"""The headroom below which a conversation is let go of, so that it can go on elsewhere."""

Selector: TypeAlias = Callable[[Sequence[Standing], str, float], Standing]
"""(accounts that could serve, at least one; model; now) → the one that does."""


class Roster(Struct):
    """One backend's."""

    backend: str
    choose: Selector
    standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    """By alias, in the user's order."""
    breaker: Breaker = field(default_factory=Breaker)
    """For what concerns all of them: it cannot be reached."""
    max_in_flight: int | None = None
    level: float = 0.0
    """Of what has been served by weight, where the latest request began: who was away for a while does not
    catch up."""

    @property
    def in_flight(self) -> int:
        """Of all accounts."""
        return sum(standing.in_flight for standing in self.standings.values())


class Need(Struct, frozen=True):
    """What a request asks of an account."""

    model: str
    tried: frozenset[str] = frozenset()
    """Accounts that have had their turn."""
    bound: str | None = None
    """The account that its conversation stays with, if it can."""
    only: str | None = None
    """The account without which it cannot be served."""
    loyal: bool = True
    """Whether a conversation waits for its account, where that is busy only."""


def select(roster: Roster, need: Need, now: float) -> Standing | Wait | None:
    """Who serves; when to ask again; None where nobody is left. `now` is in seconds since the epoch."""
    whole = _of_backend(roster, now)
    if whole is not None:
        return whole
    if need.bound is not None and need.only is None:
        stays = _bound(roster, need, now)
        if stays is not None:
            return stays
    usable: list[Standing] = []
    waits: list[Wait] = []
    for standing in _asked(roster, need):
        hindrance = standing.hindrance(need.model, now)
        if hindrance is None:
            usable.append(standing)
        else:
            waits.append(hindrance)
    if usable:
        return usable[0] if len(usable) == 1 else roster.choose(usable, need.model, now)
    return _probe(roster, need, waits, now) or soonest(waits)


def _of_backend(roster: Roster, now: float) -> Wait | None:
    if roster.breaker.until > now:
        return Wait(roster.breaker.until, f"the backend failed: {roster.breaker.why}", "failing")
    most = roster.max_in_flight
    if most is not None and roster.in_flight >= most:
        return Wait(inf, f"{most} requests to the backend are under way", "ours")
    return None


def _bound(roster: Roster, need: Need, now: float) -> Standing | Wait | None:
    """The account of the conversation; None if it has to go on elsewhere."""
    standing = roster.standings.get(need.bound or "")
    if standing is None or standing.account.alias in need.tried:
        return None
    hindrance = standing.hindrance(need.model, now)
    if hindrance is not None:
        # What passes by itself is worth waiting for: elsewhere the prompt's cache would be filled anew.
        return hindrance if hindrance.kind == "ours" and need.loyal else None
    return standing if len(roster.standings) == 1 or standing.headroom(need.model, now) >= FLOOR else None


def _asked(roster: Roster, need: Need) -> Iterable[Standing]:
    if need.only is not None:
        standing = roster.standings.get(need.only)
        return () if standing is None or need.only in need.tried else (standing,)
    if not need.tried:
        return roster.standings.values()
    return [each for alias, each in roster.standings.items() if alias not in need.tried]


def _probe(roster: Roster, need: Need, waits: Sequence[Wait], now: float) -> Standing | None:
    """A refused key, where all are, or a limit of long ago: nobody else can answer, and it may be over."""
    kinds = {wait.kind for wait in waits}
    if not kinds or not kinds <= {"refused", "missing", "limit"}:
        return None
    kind: Hindrance = "limit" if "limit" in kinds else "refused"
    return next((each for each in _asked(roster, need) if each.may_probe(need.model, kind, now)), None)


def soonest(waits: Sequence[Wait]) -> Wait | None:
    """The one that ends first; what passes by itself goes before what has no end."""
    return min(waits, key=_rank, default=None)


_RANKS = {"ours": 0, "limit": 0, "failing": 1, "refused": 2, "missing": 3}


def _rank(wait: Wait) -> tuple[int, float]:
    # A place that becomes free has no time: it may be any moment.
    until = 0.0 if wait.kind == "ours" and wait.until == inf else wait.until
    return _RANKS[wait.kind], until

"""A preview: who would serve the next request of a model, and why the others would not. Reserves nothing."""

from math import inf
from typing import Literal

from msgspec import Struct

from pointsman.routing.roster import Need, Roster, select
from pointsman.routing.standing import Standing, Wait

State = Literal["free", "busy", "cooling", "failing", "refused", "no key"]

STATES: dict[str, State] = {
    "ours": "busy",
    "limit": "cooling",
    "failing": "failing",
    "refused": "refused",
    "missing": "no key",
}
"""By the hindrance."""


class Seen(Struct, frozen=True):
    """One account, as the next request would find it."""

    alias: str
    state: State
    why: str = ""
    until: float | None = None
    """Seconds since the epoch; None where no time is known."""
    headroom: float = 1.0
    serves: bool = False
    """Whether it is the one that would be taken."""


def preview(roster: Roster, model: str, now: float) -> tuple[Seen, ...]:
    """Its accounts in the user's order; an empty model asks for what concerns all models."""
    chosen = select(roster, Need(model), now)
    return tuple(_seen(roster, standing, model, now, chosen) for standing in roster.standings.values())


def _seen(roster: Roster, standing: Standing, model: str, now: float, chosen: Standing | Wait | None) -> Seen:
    alias, headroom = standing.account.alias, standing.headroom(model, now)
    wait = standing.hindrance(model, now)
    if wait is None and isinstance(chosen, Wait):
        wait = chosen  # what concerns the whole backend
    if wait is not None:
        until = None if wait.until == inf else wait.until
        return Seen(alias, STATES[wait.kind], wait.why, until, headroom, serves=standing is chosen)
    if standing is chosen:
        return Seen(alias, "free", headroom=headroom, serves=True)
    return Seen(alias, "free", f"the strategy prefers {_name(chosen)}", None, headroom)


def _name(chosen: Standing | Wait | None) -> str:
    return chosen.account.alias if isinstance(chosen, Standing) else "nobody"

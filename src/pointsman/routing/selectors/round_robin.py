"""One account after the other."""

from collections.abc import Sequence

from pointsman.routing.standing import Standing


def choose(usable: Sequence[Standing], model: str, now: float) -> Standing:
    """The one that was used the longest ago."""
    return min(usable, key=lambda standing: standing.turn)

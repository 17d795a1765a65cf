"""Each account in proportion to its weight."""

from collections.abc import Sequence

from pointsman.routing.standing import Standing


def choose(usable: Sequence[Standing], model: str, now: float) -> Standing:
    """The one that has served the least of its share; of equals, the one used the longest ago."""
    return min(usable, key=lambda standing: (standing.served, standing.turn))

"""The account with the most left of its limits, what is under way already counted in."""

from collections.abc import Sequence

from pointsman.routing.standing import Standing


def choose(usable: Sequence[Standing], model: str, now: float) -> Standing:
    """Of equals, the one that was used the longest ago."""
    return max(usable, key=lambda standing: (standing.free(model, now), -standing.turn))

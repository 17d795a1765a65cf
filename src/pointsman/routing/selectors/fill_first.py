"""The first account in the user's order: the others are spared until it is used up."""

from collections.abc import Sequence

from pointsman.routing.standing import Standing


def choose(usable: Sequence[Standing], model: str, now: float) -> Standing:
    """The first."""
    return usable[0]

"""The account that answers soonest; one that has never answered is tried first."""

from collections.abc import Sequence

from pointsman.routing.standing import Standing


def choose(usable: Sequence[Standing], model: str, now: float) -> Standing:
    """By the averaged time to the first byte, each request under way counted as another one."""
    return min(usable, key=lambda each: ((each.latency or 0.0) * (1 + each.in_flight), each.turn))

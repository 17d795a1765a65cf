"""Efforts of thinking, and the budgets in tokens that stand for them."""

from collections.abc import Mapping
from typing import cast

from pointsman.canon.traits import Traits

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Lowest first."""

BUDGETS: Mapping[str, int] = {
    "minimal": 1024,
    "low": 4096,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}
"""Thinking tokens by effort where neither row nor profile says better."""


def effort_for(budget: int, traits: Traits) -> str:
    """The effort whose budget lies nearest."""
    table = _budgets(traits)
    return min(table, key=lambda effort: abs(table[effort] - budget))


def budget_for(effort: str, traits: Traits) -> int | None:
    """The thinking tokens that stand for an effort."""
    return _budgets(traits).get(effort)


def _budgets(traits: Traits) -> Mapping[str, int]:
    return cast("Mapping[str, int]", traits.effort_budgets) or BUDGETS


def nearest_effort(effort: str, efforts: tuple[str, ...]) -> str:
    """The effort that the target takes and that is nearest, the lower of two; a provider's own word last."""
    if effort not in EFFORTS:
        return effort
    wanted = EFFORTS.index(effort)
    thinking = [word for word in efforts if word != "none"]
    among = thinking if wanted > 0 and thinking else efforts
    return min(among, key=lambda word: abs(EFFORTS.index(word) - wanted) if word in EFFORTS else len(EFFORTS))

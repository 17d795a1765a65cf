"""Thinking settings of requests, for one target: `thinkingConfig`.

Gemini 2.5 takes a budget, later models a level, and no model both (ai.google.dev, "Gemini thinking");
which it is stands in the target's traits, with the levels that it takes. The nearest stands for what it
does not take.
"""

from typing import Any

from pointsman.canon.request import Reasoning
from pointsman.dialects.gemini.config import THINKING, encode_thoughts
from pointsman.dialects.gemini.draft import Draft

LEVELS = ("minimal", "low", "medium", "high", "xhigh")
"""ai.google.dev, "ThinkingLevel"; lowest first."""
BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Thinking tokens by effort where the profile says nothing."""

_ALL = ("none", *LEVELS, "max")
_EFFORT, _BUDGET = "reasoning_effort", "thinking.budget_tokens"


def put_thinking(draft: Draft) -> None:
    """The setting, if the client asked for any."""
    wanted = draft.request.reasoning
    if wanted is None:
        return
    draft.dropped_extra(wanted.extra, "")
    off = wanted.mode == "off" or wanted.effort == "none"
    if draft.traits.reasoning == "none":
        if not off:
            draft.dropped("thinking", "the target does not think on request")
        return
    if wanted.mode == "other":
        draft.dropped("thinking", "a setting that has no form here; the target's default applies")
        return
    by_budget = draft.traits.reasoning == "thinking"
    config = _off(draft) if off else _budget(draft, wanted) if by_budget else _level(draft, wanted)
    if not off:
        config |= encode_thoughts(wanted)
        if wanted.display not in (None, *_DISPLAYS):
            draft.approximated("thinking.display", "the target shows its thoughts summarized, or hides them")
    elif wanted.display is not None:
        draft.dropped("thinking.display", "there is no thinking to show")
    if config:
        draft.config[THINKING] = config


_DISPLAYS = ("summarized", "omitted")


def _off(draft: Draft) -> dict[str, Any]:
    """No thinking, or as little as the target can do."""
    if "off" in draft.traits.thinking_modes and draft.traits.reasoning == "thinking":
        return {"thinkingBudget": 0}
    if draft.traits.reasoning == "thinking":
        draft.dropped("thinking", "the target's thinking cannot be turned off")
        return {}
    level = _levels(draft)[0]
    draft.approximated("thinking", f"the target's thinking cannot be turned off; `{level}` is asked for")
    return {"thinkingLevel": level.upper()}


def _budget(draft: Draft, wanted: Reasoning) -> dict[str, Any]:
    if wanted.budget is not None:
        if wanted.effort is not None:
            draft.dropped(_EFFORT, "the target takes a budget, which the request names, too")
        most = draft.traits.effort_budgets.get("max", wanted.budget)
        if wanted.budget > most:
            draft.approximated(_BUDGET, f"the target takes {most} at the most")
        return {"thinkingBudget": min(wanted.budget, most)}
    if wanted.effort is not None:
        budgets = {**BUDGETS, **draft.traits.effort_budgets}
        budget = budgets.get(wanted.effort, budgets["high"])
        draft.approximated(_EFFORT, f"the target takes a budget; {budget} tokens stand in")
        return {"thinkingBudget": budget}
    if wanted.mode == "on":
        draft.approximated("thinking", "the target chooses the budget itself")
    return {"thinkingBudget": -1} if wanted.mode in ("on", "adaptive") else {}


def _level(draft: Draft, wanted: Reasoning) -> dict[str, Any]:
    effort = wanted.effort
    if effort is None and wanted.budget is not None:
        effort = _effort_of(draft, wanted.budget)
        draft.approximated(_BUDGET, f"the target takes a level; `{effort}` stands in")
    elif wanted.budget is not None:
        draft.dropped(_BUDGET, "the target takes a level, which the request names, too")
    if effort is None:
        if wanted.mode != "unset":
            draft.approximated("thinking", "the target thinks as much as it finds right")
        return {}
    level = _nearest(effort, _levels(draft))
    if level != wanted.effort and wanted.effort is not None:
        draft.approximated(_EFFORT, f"the target has no level `{effort}`; `{level}` is asked for")
    return {"thinkingLevel": level.upper()}


def _levels(draft: Draft) -> tuple[str, ...]:
    taken = [effort for effort in draft.traits.efforts or LEVELS if effort in LEVELS]
    return tuple(taken) or ("low",)


def _nearest(wanted: str, levels: tuple[str, ...]) -> str:
    """The highest level that is not above what is wanted, else the lowest."""
    rank = _ALL.index(wanted) if wanted in _ALL else _ALL.index("high")
    below = [level for level in levels if _ALL.index(level) <= rank]
    return below[-1] if below else levels[0]


def _effort_of(draft: Draft, budget: int) -> str:
    """The highest level whose budget is not over `budget`."""
    budgets = {**BUDGETS, **draft.traits.effort_budgets}
    within = [level for level in _levels(draft) if budgets[level] <= budget]
    return within[-1] if within else _levels(draft)[0]

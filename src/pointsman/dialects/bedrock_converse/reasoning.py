"""Thinking settings of requests, for one target: `thinking` among the model's own fields, and an effort.

Models of Anthropic's take `thinking` as their own API does; all that think take `outputConfig.effort`
(docs.aws.amazon.com, "OutputConfig"). Budgets and efforts stand for one another where the target takes but
one.
"""

from typing import Any

from pointsman.canon.request import Reasoning, Request
from pointsman.dialects.bedrock_converse.crossing import Crossing
from pointsman.dialects.bedrock_converse.words import EFFORTS

Wire = dict[str, Any]

_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 63999}
"""Tokens by effort, where the model's row names none."""
_ALL = ("none", "minimal", *EFFORTS)
_SPELLED = {"on": "enabled", "adaptive": "adaptive", "off": "disabled"}


def encode_reasoning(request: Request, crossing: Crossing) -> tuple[Wire | None, str | None]:
    """(`thinking`, `outputConfig.effort`)."""
    wanted = request.reasoning
    if wanted is None:
        return None, None
    if crossing.own:
        return _own(wanted), wanted.effort
    crossing.dropped_extra(wanted.extra, "thinking")
    if _asks_nothing(wanted):
        if wanted.display is not None:
            crossing.dropped("thinking.display", "the target has no such setting by itself")
        return None, None
    if crossing.traits.reasoning == "none":
        return _dropped("the target does not think on request", wanted, crossing)
    if wanted.mode == "other":
        return _dropped("a setting of another dialect that is not known here", wanted, crossing)
    if crossing.traits.reasoning == "thinking":
        return _thinking(wanted, crossing)
    return None, _only_effort(wanted, crossing)


def _dropped(why: str, wanted: Reasoning, crossing: Crossing) -> tuple[None, None]:
    if wanted.mode != "off" and wanted.effort != "none":
        crossing.dropped("thinking", why)
    return None, None


def _own(wanted: Reasoning) -> Wire | None:
    if wanted.native is not None:
        return dict(wanted.native)
    if wanted.mode == "unset":
        return None
    said = {"budget_tokens": wanted.budget, "display": wanted.display}
    told = {key: value for key, value in said.items() if value is not None}
    return {**wanted.extra, "type": _SPELLED[wanted.mode], **told}


def _asks_nothing(wanted: Reasoning) -> bool:
    """Whether it only says how thinking is shown."""
    return wanted.mode == "unset" and wanted.effort is None and wanted.budget is None


def _thinking(wanted: Reasoning, crossing: Crossing) -> tuple[Wire | None, str | None]:
    modes = crossing.traits.thinking_modes
    if wanted.mode == "off" or wanted.effort == "none":
        if "off" in modes:
            return {"type": crossing.traits.thinking_off}, None
        crossing.dropped("thinking", "the target always thinks")
        return None, None
    shown = {} if wanted.display is None else {"display": wanted.display}
    effort = _effort(wanted.effort, crossing)
    if wanted.budget is not None and "on" in modes:
        return {"type": "enabled", "budget_tokens": wanted.budget, **shown}, effort
    if "adaptive" in modes:
        if wanted.budget is not None:
            effort = effort or _effort_of(wanted.budget, crossing)
            crossing.approximated("thinking.budget_tokens", f"the target takes efforts; `{effort}` stands in")
        return {"type": "adaptive", **shown}, effort
    budget = _budgets(crossing).get(wanted.effort or "high", _BUDGETS["high"])
    crossing.approximated("reasoning_effort", f"the target takes a budget; {budget} tokens stand in")
    return {"type": "enabled", "budget_tokens": budget, **shown}, None


def _only_effort(wanted: Reasoning, crossing: Crossing) -> str | None:
    """An effort, for a target that takes nothing else."""
    if wanted.display is not None:
        crossing.dropped("thinking.display", "the target has no such setting")
    if wanted.mode == "off" or wanted.effort == "none":
        crossing.dropped("thinking", "the target cannot be told not to think")
        return None
    if wanted.effort is not None:
        if wanted.budget is not None:
            crossing.dropped("thinking.budget_tokens", "the effort says it")
        return _effort(wanted.effort, crossing)
    if wanted.budget is None:
        crossing.dropped("thinking", "the target decides itself whether to think")
        return None
    effort = _effort(_effort_of(wanted.budget, crossing), crossing)
    crossing.approximated("thinking.budget_tokens", f"the target takes efforts; `{effort}` stands in")
    return effort


def _effort(wanted: str | None, crossing: Crossing) -> str | None:
    """As wanted, or the nearest that the target takes."""
    allowed = crossing.traits.efforts
    allowed = EFFORTS if allowed is None else allowed
    if wanted is None or wanted in allowed:
        return wanted
    nearest = _nearest(wanted, allowed)
    if nearest is None:
        crossing.dropped("effort", "the target takes none")
    else:
        crossing.approximated("effort", f"the target takes no `{wanted}`; `{nearest}` is asked for")
    return nearest


def _nearest(wanted: str, allowed: tuple[str, ...]) -> str | None:
    """The highest allowed effort below `wanted`, else the lowest allowed."""
    if not allowed:
        return None
    rank = _ALL.index(wanted) if wanted in _ALL else _ALL.index("high")
    below = [effort for effort in allowed if effort in _ALL and _ALL.index(effort) < rank]
    return max(below, key=_ALL.index) if below else allowed[0]


def _budgets(crossing: Crossing) -> dict[str, int]:
    return {**_BUDGETS, **crossing.traits.effort_budgets}


def _effort_of(budget: int, crossing: Crossing) -> str:
    """The highest effort whose budget is not over `budget`."""
    budgets = _budgets(crossing)
    within = [effort for effort in EFFORTS if budgets[effort] <= budget]
    return within[-1] if within else EFFORTS[0]

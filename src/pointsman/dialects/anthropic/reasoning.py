"""Thinking settings of requests, for one target: `thinking` and `output_config.effort`.

`thinking` is `enabled` with a budget, `adaptive`, `disabled` or `between_tools`; which of them a model takes
stands in its traits (platform.claude.com, "Thinking"; "Effort"). What it does not take is sent as the nearest
that it does.
"""

from typing import Any, cast

from msgspec import structs

from pointsman.canon.request import Reasoning, Request
from pointsman.dialects.anthropic.crossing import Crossing
from pointsman.dialects.anthropic.words import EFFORTS

Wire = dict[str, Any]

BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
"""Thinking tokens where the profile says nothing."""

MIN_BUDGET = 1024
"""The least that the API takes."""

_SPELLED = {"on": "enabled", "adaptive": "adaptive"}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_ALL = ("none", "minimal", *EFFORTS)


def encode_reasoning(request: Request, crossing: Crossing) -> tuple[Wire | None, str | None]:
    """(`thinking`, `output_config.effort`) for the target."""
    wanted = request.reasoning
    if wanted is None:
        return None, None
    if crossing.traits.reasoning == "none":
        if wanted.mode != "off" and wanted.effort != "none":
            crossing.dropped("thinking", "the target does not think on request")
        return None, None
    if not crossing.own:
        crossing.dropped_extra(wanted.extra, "")
    if wanted.mode == "other":
        return _other(wanted, crossing), _effort(wanted, crossing)
    settled = _settle(wanted, crossing)
    effort = None if settled.mode == "off" and not crossing.own else _effort(settled, crossing)
    return _thinking(settled, crossing), effort


def _other(wanted: Reasoning, crossing: Crossing) -> Wire | None:
    if crossing.own and wanted.native is not None:
        return dict(wanted.native)
    crossing.dropped("thinking", "a setting that has no form here; the target's default applies")
    return None


def _settle(wanted: Reasoning, crossing: Crossing) -> Reasoning:
    """The setting with a mode that the target takes."""
    modes = crossing.traits.thinking_modes
    if wanted.mode == "unset":
        return wanted if crossing.own else _settle_unset(wanted, crossing)
    if wanted.mode in modes:
        return wanted
    if wanted.mode == "off":
        crossing.dropped("thinking", "the target's thinking cannot be turned off")
        return structs.replace(wanted, mode="unset")
    if wanted.mode == "on" and "adaptive" in modes:
        crossing.approximated("thinking.budget_tokens", "the target takes no budget; adaptive thinking")
        effort = wanted.effort or _effort_of(wanted.budget, crossing)
        return structs.replace(wanted, mode="adaptive", budget=None, effort=effort)
    if wanted.mode == "adaptive" and "on" in modes:
        crossing.approximated("thinking", "the target takes no adaptive thinking; a budget stands in")
        return structs.replace(wanted, mode="on", budget=_budget_of(wanted.effort or "high", crossing))
    crossing.dropped("thinking", "the target takes no such setting; its default applies")
    return structs.replace(wanted, mode="unset")


def _settle_unset(wanted: Reasoning, crossing: Crossing) -> Reasoning:
    """A setting from a dialect that names an effort or a budget alone."""
    modes = crossing.traits.thinking_modes
    if wanted.effort == "none":
        return _settle(structs.replace(wanted, mode="off", effort=None), crossing)
    if wanted.budget is not None and "on" in modes:
        return structs.replace(wanted, mode="on")
    if wanted.effort is None and wanted.budget is None:
        return wanted
    effort = wanted.effort or _effort_of(wanted.budget, crossing)
    if "adaptive" in modes:
        return structs.replace(wanted, mode="adaptive", effort=effort, budget=None)
    if "on" not in modes:
        return structs.replace(wanted, effort=effort, budget=None)
    budget = _budget_of(effort or "high", crossing)
    crossing.approximated("reasoning_effort", f"the target takes a budget; {budget} tokens stand in")
    return structs.replace(wanted, mode="on", budget=budget)


def _budgets(crossing: Crossing) -> dict[str, int]:
    return {**BUDGETS, **crossing.traits.effort_budgets}


def _budget_of(effort: str, crossing: Crossing) -> int:
    budgets = _budgets(crossing)
    return budgets.get(effort, budgets["high"])


def _effort_of(budget: int | None, crossing: Crossing) -> str | None:
    """The highest effort whose budget is not over `budget`."""
    if budget is None:
        return None
    budgets = _budgets(crossing)
    within = [effort for effort in EFFORTS if budgets[effort] <= budget]
    return within[-1] if within else EFFORTS[0]


def _effort(settled: Reasoning, crossing: Crossing) -> str | None:
    """`output_config.effort`: as wanted, or the nearest that the target takes."""
    wanted = settled.effort
    taken = crossing.traits.efforts
    if wanted is None or (taken is None and (crossing.own or wanted in EFFORTS)):
        return wanted
    allowed = EFFORTS if taken is None else taken
    if wanted in allowed:
        return wanted
    nearest = _nearest(wanted, allowed)
    if nearest is None:
        if crossing.own or settled.mode != "on":
            crossing.dropped("effort", "the target takes none")
        return None
    crossing.approximated("effort", f"the target takes no `{wanted}`; `{nearest}` is asked for")
    return nearest


def _nearest(wanted: str, allowed: tuple[str, ...]) -> str | None:
    """The highest allowed effort below `wanted`, else the lowest allowed."""
    if not allowed:
        return None
    rank = _ALL.index(wanted) if wanted in _ALL else _ALL.index("high")
    below = [effort for effort in allowed if effort in _ALL and _ALL.index(effort) < rank]
    return max(below, key=_ALL.index) if below else allowed[0]


def _thinking(settled: Reasoning, crossing: Crossing) -> Wire | None:
    if settled.mode in ("unset", "off") and settled.display is not None and not crossing.own:
        crossing.dropped("thinking.display", "there is none to show: the target is not asked to think")
    if settled.mode == "unset":
        return None
    if settled.mode == "off":
        return {**(settled.extra if crossing.own else {}), "type": crossing.traits.thinking_off}
    wire: Wire = {"type": _SPELLED[settled.mode]}
    if settled.budget is not None:
        wire["budget_tokens"] = settled.budget
    elif settled.mode == "on" and not crossing.own:
        wire["budget_tokens"] = _budget_of(settled.effort or "high", crossing)
    if settled.display is not None:
        wire["display"] = settled.display
    return {**(settled.extra if crossing.own else {}), **wire}


def go_on(body: Wire, crossing: Crossing) -> None:
    """Leaves out a budget for thinking where the step under way has no thinking to go on from.

    "When `thinking` is enabled, a final `assistant` message must start with a thinking block" (the API's own
    error, github.com/anthropics/claude-code/issues/14264); adaptive thinking has no such rule.
    """
    thinking = body.get("thinking")
    if not isinstance(thinking, dict) or cast("Wire", thinking).get("type") != _SPELLED["on"]:
        return
    if _is_thoughtless(body.get("messages") or []):
        del body["thinking"]
        crossing.dropped("thinking", "the step under way has no thinking of the target's own to go on from")


def _is_thoughtless(messages: list[Wire]) -> bool:
    """Whether a tool's result answers a turn that does not begin with thinking."""
    if len(messages) < 2 or not _kinds(messages[-1]) & {"tool_result"}:
        return False
    blocks = messages[-2].get("content")
    first = cast("list[Any]", blocks)[0] if isinstance(blocks, list) and blocks else None
    return not isinstance(first, dict) or cast("Wire", first).get("type") not in _THOUGHTS


def _kinds(message: Wire) -> set[Any]:
    blocks = message.get("content")
    if not isinstance(blocks, list):
        return set()
    return {cast("Wire", each).get("type") for each in cast("list[Any]", blocks) if isinstance(each, dict)}

"""How much the model should think, for an upstream: in the one field that it takes, never in two."""

from collections.abc import Callable
from typing import Any, cast

from pointsman.canon.request import Reasoning
from pointsman.dialects.efforts import budget_for, effort_for, nearest_effort
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.openai_chat.draft import Draft
from pointsman.dialects.openai_chat.reasoning import say_own

_FIELD = "reasoning_effort"


def put_reasoning(draft: Draft) -> None:
    """The member that sets the thinking; the tools stand in the body already."""
    _put_wanted(draft)
    if draft.traits.effort_with_tools != "any" and (draft.body.get("tools") or draft.body.get("functions")):
        _settle_beside_tools(draft)


def _settle_beside_tools(draft: Draft) -> None:
    """For models that call functions here only without thinking, whatever their default is."""
    wanted = draft.body.pop(_FIELD, None)
    if draft.traits.effort_with_tools == "none":
        draft.body[_FIELD] = "none"
        if wanted != "none":
            said = "its default" if wanted is None else f"`{wanted}`"
            draft.approximated("effort", f"{said} as `none`, the only one that the target takes beside tools")
    elif wanted is not None:
        draft.dropped("effort", "the target takes none beside tools")


def _put_wanted(draft: Draft) -> None:
    reasoning = draft.request.reasoning
    if reasoning is None:
        return
    style = draft.traits.reasoning
    if style == "none" or (style == "effort" and draft.traits.efforts == ()):
        what = "thinking" if reasoning.mode == "off" else "reasoning"
        draft.dropped(what, f"{draft.target.model} has no such setting; its own default applies")
        return
    if draft.own:
        _put_own(draft, reasoning)
        return
    if reasoning.mode == "other":
        draft.dropped("thinking", "a setting of its own dialect only")
    draft.body |= _STYLES[style](draft, reasoning)
    for key in unsaid(reasoning.extra):
        draft.dropped(key, "the target has no such field")
    if reasoning.display is not None:
        draft.dropped("thinking.display", "the target has no such field")


def _put_own(draft: Draft, reasoning: Reasoning) -> None:
    form = cast("list[str]", draft.request.form.get("reasoning", []))
    members = say_own(reasoning, form)
    if _FIELD in members:
        members[_FIELD] = _fitting(draft, members[_FIELD])
    draft.body |= members


def _fitting(draft: Draft, effort: str) -> str:
    """The nearest effort that the target takes."""
    efforts = draft.traits.efforts
    if not efforts or effort in efforts:
        return effort
    nearest = nearest_effort(effort, efforts)
    if nearest != effort:
        draft.approximated("effort", f"`{effort}` as `{nearest}`, the nearest that the target takes")
    return nearest


def _effort(draft: Draft, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.mode == "off":
        if reasoning.effort not in {None, "none"}:
            draft.dropped("effort", "it says nothing where thinking is off")
        return _no_effort(draft)
    effort = reasoning.effort
    if effort is None:
        if reasoning.budget is None:
            if reasoning.mode in {"on", "adaptive"}:
                draft.approximated("thinking", "the target thinks as much as it sees fit")
            return {}
        effort = effort_for(reasoning.budget, draft.traits)
        draft.approximated("thinking.budget_tokens", f"{reasoning.budget} tokens as effort `{effort}`")
    return {_FIELD: _fitting(draft, effort)}


def _no_effort(draft: Draft) -> dict[str, Any]:
    """No thinking, or the least there is; nothing where the target's efforts are not known."""
    efforts = draft.traits.efforts
    if not efforts:
        draft.dropped("thinking", "not known how the target is told not to think; its own default applies")
        return {}
    if "none" in efforts:
        return {_FIELD: "none"}
    least = nearest_effort("none", efforts)
    draft.approximated("thinking", f"the target always thinks; effort `{least}`, its least")
    return {_FIELD: least}


def _thinking(draft: Draft, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.mode == "off" or reasoning.effort == "none":
        return {"thinking": {"type": "disabled"}}
    adaptive = reasoning.mode == "adaptive" and "adaptive" in draft.traits.thinking_modes
    if reasoning.mode == "adaptive" and not adaptive:
        draft.approximated("thinking", "the target thinks always or never")
    members: dict[str, Any] = {}
    if reasoning.mode != "unset" or reasoning.effort is not None:
        members["thinking"] = {"type": "adaptive" if adaptive else "enabled"}
    if reasoning.effort is not None and draft.traits.efforts:
        members[_FIELD] = _fitting(draft, reasoning.effort)
    elif reasoning.effort is not None:
        draft.approximated("effort", "the target thinks or does not, without degrees")
    if reasoning.budget is not None:
        draft.approximated("thinking.budget_tokens", "the target sets its own bounds")
    return members


def _object(draft: Draft, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.mode == "off":
        return {"reasoning": {"enabled": False}}
    if reasoning.effort is not None:
        if reasoning.budget is not None:
            draft.dropped("thinking.budget_tokens", "the target takes an effort or a budget, not both")
        return {"reasoning": {"effort": _fitting(draft, reasoning.effort)}}
    if reasoning.budget is not None:
        return {"reasoning": {"max_tokens": reasoning.budget}}
    if reasoning.mode == "adaptive":
        draft.approximated("thinking", "the target thinks as much as it sees fit")
    return {"reasoning": {"enabled": True}} if reasoning.mode != "unset" else {}


def _enable(draft: Draft, reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.mode == "off" or reasoning.effort == "none":
        return {"enable_thinking": False}
    budget = reasoning.budget
    if budget is None and reasoning.effort is not None:
        budget = budget_for(reasoning.effort, draft.traits)
        draft.approximated("effort", f"`{reasoning.effort}` as {budget} thinking tokens")
    if reasoning.mode == "adaptive":
        draft.approximated("thinking", "the target thinks always or never")
    members: dict[str, Any] = {"enable_thinking": True}
    return members if budget is None else {**members, "thinking_budget": budget}


_STYLES: dict[str, Callable[[Draft, Reasoning], dict[str, Any]]] = {
    "effort": _effort,
    "thinking": _thinking,
    "reasoning_object": _object,
    "enable_thinking": _enable,
}

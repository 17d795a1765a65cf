"""How much the model should think: the fields in which Chat clients and servers say it.

`reasoning_effort` is OpenAI's. `thinking` is DeepSeek's, Moonshot's and Z.AI's; `reasoning` OpenRouter's;
`enable_thinking` and `thinking_budget` are Qwen's. A request may hold several; `Request.form` names those
that the canonical setting was read from.
"""

from collections.abc import Callable
from typing import Any, Literal, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.json import Json
from pointsman.canon.request import Reasoning
from pointsman.dialects.spelling import apart, unlike
from pointsman.wire.fields import Fields

Mode = Literal["on", "off", "adaptive", "unset", "other"]

_INNER = frozenset({"effort", "max_tokens", "enabled", "type", "budget_tokens"})
_THINKING: dict[str, Mode] = {"enabled": "on", "disabled": "off", "adaptive": "adaptive", "auto": "adaptive"}
_WORDS: dict[Mode, str] = {"on": "enabled", "off": "disabled", "adaptive": "adaptive"}


def take_reasoning(fields: Fields) -> tuple[Reasoning | None, list[str]]:
    """The setting, and the fields that said it."""
    original = {name: fields.rest[name] for name in _FIELDS if fields.rest.get(name) is not None}
    if not original:
        return None, []
    mode, effort, budget, form = _read(fields, original)
    bare = Reasoning(mode, effort, budget)
    consumed = {name: original[name] for name in form}
    return Reasoning(mode, effort, budget, extra=_extra(consumed, say(bare, form))), form


def _extra(consumed: Json, said: Json) -> dict[str, Any]:
    """What the fields hold besides; a field that says a known thing in an odd way is kept whole."""
    extra: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for name, value in unlike(consumed, said).items():
        within = (
            apart(cast("Json", value), said.get(name, {}), _INNER)
            if isinstance(value, dict)
            else {SPELLING: value}
        )
        if SPELLING in within:
            odd[name] = value
        else:
            extra[name] = within
    return {**extra, SPELLING: odd} if odd else extra


def say_own(reasoning: Reasoning, form: list[str]) -> dict[str, Any]:
    """The fields as the client sent them."""
    members = say(reasoning, form)
    for name, value in reasoning.extra.items():
        if name != SPELLING:
            members[name] = {**members.get(name, {}), **value}
    return {**members, **reasoning.extra.get(SPELLING, {})}


def _read(fields: Fields, original: Json) -> tuple[Mode, str | None, int | None, list[str]]:
    effort = fields.text("reasoning_effort")
    form = [] if effort is None else ["reasoning_effort"]
    mode: Mode = "off" if effort == "none" else "unset"
    budget: int | None = None
    if "reasoning" in original and effort is None:
        inner = Fields(fields.take("reasoning"), "reasoning")
        effort, budget = inner.text("effort"), inner.integer("max_tokens")
        mode = _mode_of(inner.boolean("enabled"), effort)
        form.append("reasoning")
    elif "thinking" in original:
        inner = Fields(fields.take("thinking"), "thinking")
        mode, budget = _THINKING.get(inner.required_text("type"), "other"), inner.integer("budget_tokens")
        form.append("thinking")
    elif "enable_thinking" in original:
        mode, budget = _mode_of(fields.boolean("enable_thinking"), None), fields.integer("thinking_budget")
        form += ["enable_thinking"] if budget is None else ["enable_thinking", "thinking_budget"]
    return mode, effort, budget, form


def _mode_of(enabled: bool | None, effort: str | None) -> Mode:
    if enabled is None:
        return "off" if effort == "none" else "unset"
    return "on" if enabled else "off"


def say(reasoning: Reasoning, form: list[str]) -> dict[str, Any]:
    """The setting in these fields."""
    return {name: value for name in form if (value := _SAY[name](reasoning)) is not None}


def _say_reasoning(reasoning: Reasoning) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    if reasoning.effort is not None:
        inner["effort"] = reasoning.effort
    if reasoning.budget is not None:
        inner["max_tokens"] = reasoning.budget
    if not inner and reasoning.mode != "unset":
        inner["enabled"] = reasoning.mode != "off"
    return inner


def _say_thinking(reasoning: Reasoning) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": _WORDS.get(reasoning.mode, "enabled")}
    if reasoning.budget is not None:
        inner["budget_tokens"] = reasoning.budget
    return inner


_SAY: dict[str, Callable[[Reasoning], Any]] = {
    "reasoning_effort": lambda reasoning: reasoning.effort,
    "reasoning": _say_reasoning,
    "thinking": _say_thinking,
    "enable_thinking": lambda reasoning: reasoning.mode != "off",
    "thinking_budget": lambda reasoning: reasoning.budget,
}
_FIELDS = tuple(_SAY)

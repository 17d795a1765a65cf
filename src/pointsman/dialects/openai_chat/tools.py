"""Tools and the choice among them: from the client's request."""

from collections.abc import Callable
from typing import Any, Literal, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.free_text import take_grammar
from pointsman.dialects.openai_chat.blocks import take_mark
from pointsman.dialects.spelling import unlike
from pointsman.wire.fields import Fields, as_array, as_object, as_text, wrong

LEGACY = "functions"
"""The form of tools that came in the deprecated field of that name."""
FLAT = "flat"
"""The form of functions whose members stand beside `type`, as the Responses API has them."""

MODES: dict[str, Literal["auto", "none", "any"]] = {
    "auto": "auto",
    "none": "none",
    "required": "any",
    "any": "any",
}
"""`any` is Mistral's word for `required`."""


def take_tools(fields: Fields) -> tuple[Tool, ...] | None:
    """`tools` and the deprecated `functions`, in this order; None if the client sent neither."""
    tools = _each(fields, "tools", _tool)
    functions = _each(fields, "functions", _function)
    if tools is None and functions is None:
        return None
    return (*(tools or ()), *(functions or ()))


def _each(fields: Fields, key: str, decode: Callable[[Fields], Tool]) -> tuple[Tool, ...] | None:
    values = fields.take(key)
    if values is None:
        return None
    path = fields.at(key)
    return tuple(decode(Fields(value, f"{path}[{at}]")) for at, value in enumerate(as_array(values, path)))


def _tool(fields: Fields) -> Tool:
    kind = fields.rest.get("type", "function")
    if kind == "function" and ("function" in fields.rest or "name" in fields.rest):
        return _wrapped(fields) if "function" in fields.rest else _described(fields, FLAT)
    if kind == "custom" and "custom" in fields.rest:
        return _custom(fields)
    if kind == "function":
        raise MalformedError(f"`{fields.at('function')}` is required", param=fields.at("function"))
    del fields.rest["type"]
    return Tool(as_text(kind, fields.at("type")), kind="server", type=kind, extra=fields.rest)


def _wrapped(fields: Fields) -> Tool:
    inner = _described(Fields(fields.take("function"), fields.at("function")), "")
    cache = take_mark(fields)
    extra = unlike(fields.rest, {"type": "function"})
    if inner.extra:
        extra["function"] = inner.extra
    form = "" if "type" in fields.rest else "untyped"
    return Tool(
        inner.name, inner.description, inner.schema, "function", inner.strict, cache, form=form, extra=extra
    )


def _described(fields: Fields, form: str) -> Tool:
    return Tool(
        name=_name(fields),
        description=fields.text("description"),
        schema=fields.object("parameters"),
        strict=fields.boolean("strict"),
        form=form,
        extra=fields.rest,
    )


def _function(fields: Fields) -> Tool:
    return _described(fields, LEGACY)


def _custom(fields: Fields) -> Tool:
    inner = Fields(fields.take("custom"), fields.at("custom"))
    name, description, cache = _name(inner), inner.text("description"), take_mark(fields)
    grammar = take_grammar(inner.rest.get("format"), "grammar")
    if grammar is not None:
        del inner.rest["format"]
    extra = unlike(fields.rest, {"type": "custom"})
    if inner.rest:
        extra["custom"] = inner.rest
    return Tool(name, description, kind="custom", cache=cache, grammar=grammar, extra=extra)


def _name(fields: Fields) -> str:
    name = fields.required_text("name")
    if not name:
        raise MalformedError(f"`{fields.at('name')}` must not be empty", param=fields.at("name"))
    return name


def take_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`, or the deprecated `function_call`."""
    if fields.rest.get("tool_choice") is not None:
        return _choice(fields.take("tool_choice"), fields.at("tool_choice"))
    legacy = fields.take("function_call")
    if legacy is None:
        return None
    path = fields.at("function_call")
    if isinstance(legacy, str):
        return _mode(legacy, path, LEGACY)
    inner = Fields(legacy, path)
    return ToolChoice("tool", inner.required_text("name"), form=LEGACY, extra=inner.rest)


def _mode(word: str, path: str, form: str = "") -> ToolChoice:
    if word == "any":
        return ToolChoice("any", form=word)
    mode = MODES.get(word)
    if mode is None:
        raise MalformedError(
            f"`{path}` must be `auto`, `none`, `required` or an object, not: {word}", param=path
        )
    return ToolChoice(mode, form=form)


def _choice(value: object, path: str) -> ToolChoice:
    if isinstance(value, str):
        return _mode(value, path)
    if not isinstance(value, dict):
        raise wrong(path, "a string or an object", value)
    original = as_object(cast("object", value), path)
    kind = as_text(original.get("type", "function"), f"{path}.type")
    decode = _CHOICES.get(kind)
    if decode is None:
        raise MalformedError(f"`{path}.type` is not a way to choose a tool: {kind}", param=f"{path}.type")
    choice = decode(original, path)
    return choice if not unlike(original, encode_choice(choice)) else _as_sent(choice, original)


def _as_sent(choice: ToolChoice, original: Json) -> ToolChoice:
    """The choice with the whole of what was sent, which its own dialect says again."""
    return ToolChoice(
        choice.mode, choice.name, choice.kind, choice.names, choice.required, extra={SPELLING: original}
    )


def _named(value: Json, path: str) -> ToolChoice:
    inner = Fields(value.get("function", value), f"{path}.function")
    return ToolChoice("tool", inner.required_text("name"))


def _named_custom(value: Json, path: str) -> ToolChoice:
    inner = Fields(value.get("custom"), f"{path}.custom")
    return ToolChoice("tool", inner.required_text("name"), "custom")


def _allowed(value: Json, path: str) -> ToolChoice:
    inner = Fields(value.get("allowed_tools", value), f"{path}.allowed_tools")
    tools = as_array(inner.take("tools"), inner.at("tools"))
    names = tuple(_allowed_name(tool, f"{inner.at('tools')}[{at}]") for at, tool in enumerate(tools))
    return ToolChoice("allowed", names=names, required=inner.text("mode") == "required")


def _allowed_name(tool: object, path: str) -> str:
    value = as_object(tool, path)
    inner = value.get(as_text(value.get("type", "function"), f"{path}.type"), value)
    return Fields(inner, path).required_text("name")


def _word(value: Json, path: str) -> ToolChoice:
    return _mode(as_text(value["type"], path), path)


_CHOICES: dict[str, Callable[[Json, str], ToolChoice]] = {
    "function": _named,
    "tool": _named,
    "custom": _named_custom,
    "allowed_tools": _allowed,
    **dict.fromkeys(MODES, _word),
}


def encode_choice(choice: ToolChoice) -> dict[str, Any]:
    """A choice that is said as an object; empty for one that is a word."""
    if choice.mode == "tool":
        return {"type": choice.kind, choice.kind: {"name": choice.name}}
    if choice.mode == "allowed":
        tools = [{"type": "function", "function": {"name": name}} for name in choice.names]
        mode = "required" if choice.required else "auto"
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
    return {}

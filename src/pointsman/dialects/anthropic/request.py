"""Requests: to canonical ones. What has no canonical place stays in `extra`, nulls included."""

from typing import Any, Literal

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool
from pointsman.dialects.anthropic.blocks import decode_content, opened, take_cache
from pointsman.dialects.anthropic.tools import decode_tool, decode_tool_choice
from pointsman.dialects.anthropic.words import NAME
from pointsman.wire.fields import Fields, as_object, as_text

_ROLES: dict[str, Literal["user", "assistant", "system"]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
}
_THINKING: dict[str, Literal["on", "off", "adaptive"]] = {
    "enabled": "on",
    "disabled": "off",
    "adaptive": "adaptive",
}


def decode_request(body: Json) -> Request:
    """The request in nobody's dialect. Raises MalformedError, naming the field."""
    fields = Fields(body)
    tool_choice, parallel = _tool_choice(fields)
    reasoning, output_format = _output(fields)
    user, metadata = _metadata(fields)
    return Request(
        dialect=NAME,
        model=fields.text("model") or "",
        messages=_messages(fields),
        system=_system(fields),
        tools=_tools(fields),
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        max_tokens=fields.integer("max_tokens"),
        stop=_stop(fields),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        reasoning=reasoning,
        output_format=output_format,
        service_tier=fields.text("service_tier"),
        user=user,
        metadata=metadata,
        cache=take_cache(fields),
        stream=fields.boolean("stream"),
        extra=fields.rest,
    )


def _messages(fields: Fields) -> tuple[Message, ...]:
    wires = fields.array("messages")
    if wires is None:
        raise MalformedError("`messages` is required: an array of turns", param="messages")
    return tuple(_message(wire, f"messages[{number}]") for number, wire in enumerate(wires))


def _message(wire: object, path: str) -> Message:
    fields = Fields(as_object(wire, path), path)
    word = fields.required_text("role")
    role = _ROLES.get(word)
    if role is None:
        known = ", ".join(f"`{name}`" for name in _ROLES)
        raise MalformedError(f"`{path}.role` must be one of {known}, not: {word}", param=f"{path}.role")
    content, form = decode_content(fields.take("content"), fields.at("content"))
    return Message(role, tuple([opened(block) for block in content]), form=form, extra=fields.rest)


def _system(fields: Fields) -> tuple[Message, ...]:
    value = fields.take("system")
    if value is None:
        return ()
    content, form = decode_content(value, "system")
    return (Message("system", content, form=form),)


def _tools(fields: Fields) -> tuple[Tool, ...] | None:
    wires = fields.array("tools")
    if wires is None:
        return None
    return tuple(
        decode_tool(as_object(wire, f"tools[{number}]"), f"tools[{number}]")
        for number, wire in enumerate(wires)
    )


def _tool_choice(fields: Fields) -> tuple[Any, bool | None]:
    """A choice of an unknown type stays whole in the rest."""
    wire = fields.rest.get("tool_choice")
    if wire is None:
        return None, None
    decoded = decode_tool_choice(as_object(wire, "tool_choice"), "tool_choice")
    if decoded is None:
        return None, None
    fields.take("tool_choice")
    return decoded


def _stop(fields: Fields) -> tuple[str, ...] | None:
    values = fields.array("stop_sequences")
    if values is None:
        return None
    return tuple(as_text(value, f"stop_sequences[{number}]") for number, value in enumerate(values))


def _metadata(fields: Fields) -> tuple[str | None, Json | None]:
    """The user's id, and the rest; an object that held nothing else is not kept."""
    value = fields.object("metadata")
    if value is None:
        return None, None
    inner = Fields(value, "metadata")
    user = inner.text("user_id")
    return user, inner.rest if inner.rest or user is None else None


def _output(fields: Fields) -> tuple[Reasoning | None, OutputFormat | None]:
    """Thinking and `output_config` together; what else `output_config` holds stays in the rest."""
    effort, output_format = None, None
    config = fields.object("output_config")
    if config is not None:
        inner = Fields(config, "output_config")
        effort, output_format = inner.text("effort"), _format(inner.object("format"))
        if inner.rest or not config:
            fields.rest["output_config"] = inner.rest
    thinking = fields.object("thinking")
    if thinking is not None:
        return _reasoning(thinking, effort), output_format
    return None if effort is None else Reasoning(effort=effort), output_format


def _reasoning(wire: Json, effort: str | None) -> Reasoning:
    fields = Fields(wire, "thinking")
    mode = _THINKING.get(fields.required_text("type"))
    if mode is None:
        return Reasoning("other", effort, native=wire)
    return Reasoning(
        mode,
        effort,
        fields.integer("budget_tokens"),
        fields.text("display"),
        extra=fields.rest,
    )


def _format(wire: Json | None) -> OutputFormat | None:
    if wire is None:
        return None
    if wire.get("type") != "json_schema":
        return OutputFormat("other", native=wire)
    fields = Fields(wire, "output_config.format")
    del fields.rest["type"]
    return OutputFormat("json_schema", fields.object("schema"), extra=fields.rest)

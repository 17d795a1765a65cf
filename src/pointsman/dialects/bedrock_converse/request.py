"""Requests: to canonical ones. The model and whether to stream stand in the path, not in the body."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.dialects.bedrock_converse.blocks import decode_blocks
from pointsman.dialects.bedrock_converse.tools import decode_tool_choice, decode_tools
from pointsman.dialects.bedrock_converse.words import NAME
from pointsman.wire.fields import Fields, as_object, as_text
from pointsman.wire.json import decode_object

MORE = "additionalModelRequestFields"
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
    settings = {**_inference(fields), **_more(fields)}
    tools, choice = _tooling(fields)
    effort, output_format = _output(fields)
    return Request(
        dialect=NAME,
        model="",
        messages=_messages(fields),
        system=_system(fields),
        tools=tools,
        tool_choice=choice,
        reasoning=_reasoning(settings.pop("thinking"), effort),
        output_format=output_format,
        service_tier=_tier(fields),
        metadata=fields.object("requestMetadata"),
        extra=fields.rest,
        **settings,
    )


def _inference(fields: Fields) -> dict[str, Any]:
    """`inferenceConfig`, by canonical names; what is not known of it is put back."""
    wire = fields.object("inferenceConfig")
    part = Fields(wire or {}, "inferenceConfig")
    settings = {
        "max_tokens": part.integer("maxTokens"),
        "temperature": part.number("temperature"),
        "top_p": part.number("topP"),
        "stop": _stop(part),
    }
    _put_back(fields, part, wire)
    return settings


def _more(fields: Fields) -> dict[str, Any]:
    """What of the model's own fields is known, by canonical names; the rest is put back."""
    wire = fields.object(MORE)
    part = Fields(wire or {}, MORE)
    thinking = part.object("thinking") if isinstance(part.rest.get("thinking"), dict) else None
    top_k = part.integer("top_k") if type(part.rest.get("top_k")) is int else None
    settings = {"top_k": top_k, "thinking": thinking}
    _put_back(fields, part, wire)
    return settings


def _put_back(fields: Fields, part: Fields, wire: Json | None) -> None:
    if part.rest or wire == {}:
        fields.rest[part.path] = part.rest


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
    content = decode_blocks(fields.take("content") or [], fields.at("content"))
    return Message(role, content, form="blocks", extra=fields.rest)


def _system(fields: Fields) -> tuple[Message, ...]:
    value = fields.take("system")
    if value is None:
        return ()
    return (Message("system", decode_blocks(value, "system"), form="blocks"),)


def _tooling(fields: Fields) -> tuple[tuple[Tool, ...] | None, ToolChoice | None]:
    config = fields.object("toolConfig")
    if config is None:
        return None, None
    inner = Fields(config, "toolConfig")
    tools, choice = decode_tools(inner), decode_tool_choice(inner)
    if inner.rest or not config:
        fields.rest["toolConfig"] = inner.rest
    return tools, choice


def _stop(fields: Fields) -> tuple[str, ...] | None:
    values = fields.array("stopSequences")
    if values is None:
        return None
    path = fields.at("stopSequences")
    return tuple(as_text(value, f"{path}[{number}]") for number, value in enumerate(values))


def _reasoning(wire: Json | None, effort: str | None) -> Reasoning | None:
    """`thinking` as Claude's models take it; of another type it is kept whole."""
    if wire is None:
        return None if effort is None else Reasoning(effort=effort)
    mode = _THINKING.get(str(wire.get("type")))
    if mode is None:
        return Reasoning("other", effort, native=wire)
    fields = Fields(wire, f"{MORE}.thinking")
    del fields.rest["type"]
    budget, display = fields.integer("budget_tokens"), fields.text("display")
    return Reasoning(mode, effort, budget, display, extra=fields.rest)


def _output(fields: Fields) -> tuple[str | None, OutputFormat | None]:
    """`outputConfig`: (effort, form of the answer); what else it holds stays in the rest."""
    config = fields.object("outputConfig")
    if config is None:
        return None, None
    inner = Fields(config, "outputConfig")
    effort, wanted = inner.text("effort"), inner.object("textFormat")
    if inner.rest or not config:
        fields.rest["outputConfig"] = inner.rest
    return effort, None if wanted is None else _format(wanted)


def _format(wire: Json) -> OutputFormat:
    """A schema stands in it as text; a form of another kind, or an odd one, is kept whole."""
    structure = wire.get("structure")
    held = cast("Json", structure).get("jsonSchema") if isinstance(structure, dict) else None
    if not isinstance(held, dict) or wire.get("type") != "json_schema":
        return OutputFormat("other", native=wire)
    fields = Fields(cast("Json", held), "outputConfig.textFormat.structure.jsonSchema")
    text = fields.required_text("schema")
    beside = _beside(wire, cast("Json", structure), fields)
    name, description = fields.text("name"), fields.text("description")
    try:
        schema = decode_object(text.encode())
    except MalformedError:
        return OutputFormat("other", native=wire)
    extra = {**beside, SPELLING: {"schema": text}}
    return OutputFormat("json_schema", schema, name, description, extra=extra)


def _beside(wire: Json, structure: Json, fields: Fields) -> dict[str, Any]:
    """What stands in a form beside what is known of it, level by level."""
    levels: dict[str, Mapping[str, Any]] = {
        "textFormat": {key: wire[key] for key in wire if key not in ("type", "structure")},
        "structure": {key: structure[key] for key in structure if key != "jsonSchema"},
        "jsonSchema": {
            key: value
            for key, value in fields.rest.items()
            if key not in ("name", "description") or value is None
        },
    }
    return {name: level for name, level in levels.items() if level}


def _tier(fields: Fields) -> str | None:
    """The tier, taken; one with members that are not known stays."""
    value = fields.rest.get("serviceTier")
    if not isinstance(value, dict) or list(cast("Json", value)) != ["type"]:
        return None
    wire = cast("Json", fields.take("serviceTier"))
    return as_text(wire["type"], "serviceTier.type")

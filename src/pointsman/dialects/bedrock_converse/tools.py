"""Tools and the choice among them: to canonical ones."""

from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.bedrock_converse.blocks import cache_mark
from pointsman.wire.fields import Fields, as_object

SPEC = "toolSpec"


def decode_tools(fields: Fields) -> tuple[Tool, ...] | None:
    """`tools`, taken; a cache point becomes the mark of the tool before it. Raises MalformedError."""
    wires = fields.array("tools")
    if wires is None:
        return None
    tools: list[Tool] = []
    for number, wire in enumerate(wires):
        path = f"{fields.at('tools')}[{number}]"
        tool = as_object(wire, path)
        mark = cache_mark(tool)
        if mark is not None and tools and tools[-1].cache is None:
            tools[-1] = structs.replace(tools[-1], cache=mark)
        else:
            tools.append(_tool(tool, path))
    return tuple(tools)


def _tool(wire: Json, path: str) -> Tool:
    """One tool; one that is no `toolSpec` is the provider's, and stays as it is."""
    spec = wire.get(SPEC)
    if not isinstance(spec, dict):
        kind = next(iter(wire), "")
        inner = wire.get(kind)
        name = cast("Json", inner).get("name") if isinstance(inner, dict) else None
        return Tool(name if isinstance(name, str) else kind, kind="server", type=kind, extra=wire)
    fields = Fields(cast("Json", spec), f"{path}.{SPEC}")
    beside = {key: value for key, value in wire.items() if key != SPEC}
    name = fields.required_text("name")
    description, strict = fields.text("description"), fields.boolean("strict")
    schema, spelled = _schema(fields)
    within = {SPEC: fields.rest} if fields.rest else {}
    return Tool(name, description, schema, strict=strict, extra={**beside, **within, **spelled})


def _schema(fields: Fields) -> tuple[Json | None, dict[str, Any]]:
    """(schema, what stands beside it)."""
    value = fields.rest.get("inputSchema")
    if not isinstance(value, dict) or not isinstance(cast("Json", value).get("json"), dict):
        return None, {}
    inner = Fields(fields.take("inputSchema"), fields.at("inputSchema"))
    schema = inner.object("json")
    return schema, {SPELLING: {"inputSchema": inner.rest}} if inner.rest else {}


def decode_tool_choice(fields: Fields) -> ToolChoice | None:
    """`toolConfig.toolChoice`, taken; None for one of an unknown kind, which stays. Raises MalformedError."""
    value = fields.rest.get("toolChoice")
    if value is None:
        return None
    wire = as_object(value, fields.at("toolChoice"))
    kind = next(iter(wire), "")
    if len(wire) != 1 or not isinstance(wire[kind], dict) or kind not in ("auto", "any", "tool"):
        return None
    fields.take("toolChoice")
    inner = Fields(wire[kind], f"{fields.at('toolChoice')}.{kind}")
    if kind == "tool":
        return ToolChoice("tool", inner.required_text("name"), extra=inner.rest)
    return ToolChoice("auto" if kind == "auto" else "any", extra=inner.rest)

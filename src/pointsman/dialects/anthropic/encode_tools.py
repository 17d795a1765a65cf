"""Tools and the choice among them, for one target."""

from collections.abc import Mapping
from typing import Any, cast

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Request, Tool, ToolChoice
from pointsman.dialects.anthropic.crossing import Crossing
from pointsman.dialects.anthropic.encode_blocks import Wire, encode_mark
from pointsman.dialects.free_text import GRAMMAR_TOLD, SCHEMA, description_with_grammar
from pointsman.dialects.schema import fit_tool


def encode_tooling(request: Request, crossing: Crossing) -> Wire:
    """`tools` and `tool_choice`. Raises UnsupportedError."""
    tools = request.tools
    if tools and not crossing.traits.tools:
        raise UnsupportedError("the target takes no tools; choose a model that does", param="tools")
    choice = request.tool_choice
    if choice is not None and choice.mode == "allowed":
        tools, choice = _allowed(tools or (), choice, crossing)
    if choice is not None and choice.mode == "none" and not _takes(choice, crossing):
        crossing.approximated("tool_choice", "the target cannot be told to use no tool; none are sent")
        return {}
    wire: Wire = {}
    if tools is not None and (tools or crossing.own):
        wire["tools"] = [_tool(tool, f"tools[{number}]", crossing) for number, tool in enumerate(tools)]
    sent = _choice(choice, request.parallel_tool_calls, bool(tools), crossing)
    return wire if sent is None else {**wire, "tool_choice": sent}


def _allowed(
    tools: tuple[Tool, ...], choice: ToolChoice, crossing: Crossing
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The choice among some tools: the others are not sent."""
    crossing.approximated(
        "tool_choice", "the target cannot be told to use some of its tools; the others are left out"
    )
    kept = tuple(tool for tool in tools if tool.name in choice.names)
    return kept, ToolChoice("any" if choice.required else "auto")


def _tool(tool: Tool, path: str, crossing: Crossing) -> Wire:
    mark = encode_mark(tool.cache, path, crossing)
    if tool.kind == "server":
        return {**_server_tool(tool, path, crossing), **mark}
    if not crossing.own:
        crossing.dropped_extra(tool.extra, path)
    wire: Wire = {"name": crossing.sent_name(tool.name, tool.kind)}
    description = description_with_grammar(tool)
    if description is not None:
        wire["description"] = description
    if tool.kind == "custom":
        crossing.approximated(path, "free text is sent as a function with one string")
        if tool.grammar is not None:
            crossing.approximated(f"{path}.grammar", GRAMMAR_TOLD)
        return {**wire, "input_schema": SCHEMA, **mark}
    if crossing.own:
        own_type = {"type": tool.form} if tool.form else {}
        schema = {} if tool.schema is None else {"input_schema": tool.schema}
        return {**tool.extra, **own_type, **wire, **schema, **_strict(tool, path, crossing), **mark}
    strict = _strict(tool, path, crossing)
    schema = _fitted(_object_schema(tool.schema), path, crossing, strict=strict.get("strict", False))
    return {**wire, "input_schema": schema, **strict, **mark}


def _fitted(schema: Json, path: str, crossing: Crossing, *, strict: bool) -> Json:
    fitted = fit_tool(schema, crossing.traits.schema_subset, strict=strict)
    if fitted is not schema:
        crossing.approximated(f"{path}.schema", "cut down to the JSON Schema that the target takes")
    return fitted


def _server_tool(tool: Tool, path: str, crossing: Crossing) -> Wire:
    if not crossing.own:
        why = "leave it out, or choose a backend of the provider that does"
        raise UnsupportedError(f"the target does not run the tool `{tool.name}`; {why}", param=path)
    name = {} if tool.form == "unnamed" else {"name": tool.name}
    return {**tool.extra, "type": tool.type, **name}


def _strict(tool: Tool, path: str, crossing: Crossing) -> Wire:
    if tool.strict is None:
        return {}
    if crossing.traits.strict_tools:
        return {"strict": tool.strict}
    if tool.strict:
        crossing.dropped(f"{path}.strict", "the target does not hold arguments to their schema")
    return {}


def _object_schema(schema: Json | None) -> Json:
    """A schema as the API wants it: of an object, said so."""
    if schema is None:
        return {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object", **schema}


def _choice(
    choice: ToolChoice | None, parallel: bool | None, has_tools: bool, crossing: Crossing
) -> Wire | None:
    if not crossing.own and not has_tools:
        if choice is not None and choice.mode not in ("auto", "none"):
            crossing.dropped("tool_choice", "there are no tools to choose among")
        return None
    if choice is None:
        if parallel is not False or not has_tools:
            return None
        choice = ToolChoice("auto")
    if not _takes(choice, crossing):
        return _unforced(choice)
    wire: Wire = {"type": choice.mode}
    if choice.mode == "tool":
        wire["name"] = crossing.sent_name(choice.name or "", choice.kind)
    wire.update(_parallel(choice, parallel, crossing))
    return {**choice.extra, **wire} if crossing.own else wire


def _takes(choice: ToolChoice, crossing: Crossing) -> bool:
    """Whether the target takes the choice. It tells clients of its own dialect itself, in words they know."""
    return crossing.own or choice.mode in crossing.traits.tool_choice


def _unforced(choice: ToolChoice) -> None:
    """A target that takes no choice decides itself; being forced is not something to drop."""
    if choice.mode == "auto":
        return
    why = "leave `tool_choice` out, or choose a model that takes it"
    raise UnsupportedError(f"the target cannot be told to use a tool; {why}", param="tool_choice")


def _parallel(choice: ToolChoice, parallel: bool | None, crossing: Crossing) -> Mapping[str, bool]:
    if parallel is None or (not crossing.own and (parallel or choice.mode == "none")):
        return {}
    if not crossing.traits.parallel_tool_calls:
        if not parallel:
            crossing.dropped("parallel_tool_calls", "the target takes no such switch")
        return {}
    return {"disable_parallel_tool_use": not parallel}


def forced(wire: Wire) -> bool:
    """Whether the body forces a tool call."""
    choice = cast("dict[str, Any]", wire.get("tool_choice") or {})
    return choice.get("type") in ("any", "tool")

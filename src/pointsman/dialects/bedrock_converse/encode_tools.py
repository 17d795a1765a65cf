"""`toolConfig`: tools and the choice among them, for one target."""

from collections.abc import Iterable, Iterator
from typing import Any

from pointsman.canon.blocks import SPELLING, ToolCall, ToolResult
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Request, Tool, ToolChoice
from pointsman.dialects.bedrock_converse.crossing import Crossing
from pointsman.dialects.bedrock_converse.encode_blocks import Wire, encode_mark, wrapped
from pointsman.dialects.bedrock_converse.tools import SPEC
from pointsman.dialects.free_text import GRAMMAR_TOLD, description_with_grammar
from pointsman.dialects.schema import fit_tool

_FREE_TEXT_SCHEMA: Json = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as free text."}},
    "required": ["input"],
}


def encode_tooling(request: Request, crossing: Crossing) -> Wire:
    """The member, or nothing. Raises UnsupportedError."""
    if crossing.own:
        return _own(request, crossing)
    tools, choice = request.tools or (), request.tool_choice
    if tools and not crossing.traits.tools:
        raise UnsupportedError("the target takes no tools; choose a model that does", param="tools")
    if choice is not None and choice.mode == "allowed":
        tools, choice = _allowed(tools, choice, crossing)
    if choice is not None and choice.mode == "none" and tools:
        tools, choice = _unused(request, tools, crossing), None
    wires = [wire for number, tool in enumerate(tools) for wire in _tool(tool, f"tools[{number}]", crossing)]
    if not wires:
        wires = list(_called(request, crossing))
    if not wires:
        if choice is not None and choice.mode not in ("auto", "none"):
            crossing.dropped("tool_choice", "there are no tools to choose among")
        return {}
    _drop_parallel(request, crossing)
    return {"toolConfig": {"tools": wires, **(_choice(choice, crossing) if tools else {})}}


def _own(request: Request, crossing: Crossing) -> Wire:
    rest: Json | None = request.extra.get("toolConfig")
    config: Wire = dict(rest or {})
    if request.tools is not None:
        config["tools"] = [wire for tool in request.tools for wire in _own_tool(tool, crossing)]
    if request.tool_choice is not None:
        config["toolChoice"] = _own_choice(request.tool_choice, crossing)
    return {"toolConfig": config} if config or rest is not None else {}


def _own_tool(tool: Tool, crossing: Crossing) -> list[Wire]:
    mark = encode_mark(tool.cache, "", crossing)
    if tool.kind == "server":
        return [dict(tool.extra), *mark]
    members: Wire = {"name": crossing.sent_name(tool.name)}
    if tool.description is not None:
        members["description"] = tool.description
    if tool.schema is not None:
        beside: Json = tool.extra.get(SPELLING, {}).get("inputSchema", {})
        members["inputSchema"] = {**beside, "json": tool.schema}
    if tool.strict is not None:
        members["strict"] = tool.strict
    return [wrapped(SPEC, members, tool.extra), *mark]


def _own_choice(choice: ToolChoice, crossing: Crossing) -> Wire:
    named = {"name": crossing.sent_name(choice.name or "")} if choice.mode == "tool" else {}
    return {choice.mode: {**choice.extra, **named}}


def _allowed(
    tools: tuple[Tool, ...], choice: ToolChoice, crossing: Crossing
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The choice among some tools: the others are not sent."""
    crossing.approximated(
        "tool_choice", "the target cannot be told to use some of its tools; the others are left out"
    )
    kept = tuple(tool for tool in tools if tool.name in choice.names)
    return kept, ToolChoice("any" if choice.required else "auto")


def _unused(request: Request, tools: tuple[Tool, ...], crossing: Crossing) -> tuple[Tool, ...]:
    """No tools, where the history has none either: it may not have calls without them."""
    if any(_tool_blocks(request)):
        crossing.approximated("tool_choice", "the target cannot be told to use no tool; it may use one")
        return tools
    crossing.approximated("tool_choice", "the target cannot be told to use no tool; none are sent")
    return ()


def _tool_blocks(request: Request) -> Iterator[ToolCall | ToolResult]:
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall | ToolResult):
                yield block


def _called(request: Request, crossing: Crossing) -> Iterable[Wire]:
    """The tools of the history, where none are sent: the API refuses calls without a `toolConfig`."""
    calls = {
        crossing.sent_name(block.name, block.kind): None
        for block in _tool_blocks(request)
        if isinstance(block, ToolCall)
    }
    for number, name in enumerate(calls):
        crossing.approximated(
            f"tools[{number}]", "the target wants tools beside calls; it is declared by its name"
        )
        yield {SPEC: {"name": name, "inputSchema": {"json": {"type": "object", "properties": {}}}}}


def _tool(tool: Tool, path: str, crossing: Crossing) -> list[Wire]:
    if tool.kind == "server":
        why = "leave it out, or choose a backend of the provider that does"
        raise UnsupportedError(f"the target does not run the tool `{tool.name}`; {why}", param=path)
    crossing.dropped_extra(tool.extra, path)
    members: Wire = {"name": crossing.sent_name(tool.name, tool.kind)}
    description = description_with_grammar(tool)
    if description:
        members["description"] = description
    elif tool.description is not None:
        crossing.approximated(path, "its empty description is left out, which the target refuses")
    if tool.kind == "custom":
        crossing.approximated(path, "free text is sent as a function with one string")
        if tool.grammar is not None:
            crossing.approximated(f"{path}.grammar", GRAMMAR_TOLD)
        members["inputSchema"] = {"json": _FREE_TEXT_SCHEMA}
    else:
        members |= _strict(tool, path, crossing)
        members["inputSchema"] = {"json": _fitted(tool, path, crossing, strict=members.get("strict", False))}
    return [{SPEC: members}, *encode_mark(tool.cache, path, crossing)]


def _strict(tool: Tool, path: str, crossing: Crossing) -> dict[str, Any]:
    if tool.strict is None:
        return {}
    if crossing.traits.strict_tools:
        return {"strict": tool.strict}
    if tool.strict:
        crossing.dropped(f"{path}.strict", "the target does not hold arguments to their schema")
    return {}


def _fitted(tool: Tool, path: str, crossing: Crossing, *, strict: bool) -> Json:
    """The schema as the target takes it: of an object, said so."""
    schema = tool.schema or {"type": "object", "properties": {}}
    schema = schema if "type" in schema else {"type": "object", **schema}
    fitted = fit_tool(schema, crossing.traits.schema_subset, strict=strict)
    if fitted is not schema:
        crossing.approximated(f"{path}.schema", "cut down to the JSON Schema that the target takes")
    return fitted


def _choice(choice: ToolChoice | None, crossing: Crossing) -> Wire:
    if choice is None:
        return {}
    if choice.mode not in crossing.traits.tool_choice:
        if choice.mode == "auto":
            return {}
        why = "leave `tool_choice` out, or choose a model that takes it"
        raise UnsupportedError(f"the target cannot be told to use a tool; {why}", param="tool_choice")
    named = {"name": crossing.sent_name(choice.name or "", choice.kind)} if choice.mode == "tool" else {}
    return {"toolChoice": {choice.mode: named}}


def _drop_parallel(request: Request, crossing: Crossing) -> None:
    choice = request.tool_choice
    if request.parallel_tool_calls is False and (choice is None or choice.mode != "none"):
        crossing.dropped("parallel_tool_calls", "the target takes no such switch")

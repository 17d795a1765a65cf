"""Tools and the choice among them: for an upstream."""

from typing import Any, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.free_text import GRAMMAR_TOLD, SCHEMA, description_with_grammar
from pointsman.dialects.names import parted
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.tools import NAMESPACE
from pointsman.dialects.schema import fit_tool, is_strict

Wire = dict[str, Any]

_NOTHING: Json = {"type": "object", "properties": {}}
_WORDS = {"auto": "auto", "any": "required", "none": "none"}


def put_tools(draft: Draft) -> None:
    """The members about tools. Raises UnsupportedError for a tool that only another provider runs."""
    request, traits = draft.request, draft.traits
    tools, choice = request.tools, request.tool_choice
    if tools and not traits.tools:
        raise UnsupportedError(
            f"{draft.target.model} takes no tools; choose a model that does", param="tools"
        )
    if tools is not None and choice is not None and choice.mode not in traits.tool_choice:
        tools, choice = _without(draft, tools, choice)
    if tools or (draft.own and tools is not None):
        draft.body["tools"] = _grouped(draft, tools)
    if choice is not None and (draft.own or tools):
        draft.body["tool_choice"] = _choice(draft, choice)
    elif choice is not None and choice.mode not in {"auto", "none"} and not request.tools:
        draft.dropped("tool_choice", "there are no tools to choose among")
    _put_parallel(draft)


def _grouped(draft: Draft, tools: tuple[Tool, ...]) -> list[Wire]:
    """The tools; those of one namespace together, as its own clients send them."""
    wires: list[Wire] = []
    groups: dict[str, Wire] = {}
    for tool in tools:
        namespace = None if draft.flat else parted(tool.name)[0]
        if namespace is None:
            wires.append(_tool(draft, tool))
            continue
        head = tool.extra.get(NAMESPACE)
        if head is not None or namespace not in groups:
            groups[namespace] = {"type": NAMESPACE, "name": namespace, **(head or {}), "tools": []}
            wires.append(groups[namespace])
        groups[namespace]["tools"].append(_tool(draft, tool))
    return wires


def _tool(draft: Draft, tool: Tool) -> Wire:
    if tool.kind == "server":
        return _server(draft, tool)
    wire: Wire = {"type": tool.kind, "name": draft.name(tool.name, tool.kind)}
    if draft.own and tool.form == "untyped":
        del wire["type"]
    freely = tool.kind != "custom" or draft.free_text
    description = tool.description if freely else description_with_grammar(tool)
    if description is not None:
        wire["description"] = description
    draft.mark(tool.cache, takes=False)
    extra = {name: value for name, value in tool.extra.items() if name != NAMESPACE}
    if draft.own and draft.flat and tool.extra.get(NAMESPACE):
        draft.count("dropped", "tools.namespace", "the target knows no groups of tools")
    if not draft.own:
        draft.dropped_extra(tool.extra, "tools")
        extra = {}
    if tool.kind == "function":
        return {**wire, **_rules(draft, tool), **extra}
    if draft.free_text:
        held = {} if tool.grammar is None else {"format": {"type": "grammar", **tool.grammar}}
        return {**wire, **held, **extra}
    if tool.grammar is not None:
        draft.count("approximated", "tools.grammar", GRAMMAR_TOLD)
    draft.count("approximated", "tools.custom", "free text is sent as a function with one string")
    draft.dropped_extra(tool.extra if draft.own else {}, "tools")
    return {**wire, "type": "function", "parameters": SCHEMA, "strict": False}


def _rules(draft: Draft, tool: Tool) -> Wire:
    """Parameters and strictness. Strict is the default here, so a foreign tool must say that it is not."""
    schema = tool.schema
    if schema is None and not draft.own:
        schema = _NOTHING
    rules: Wire = {} if schema is None else {"parameters": _fitted(draft, tool, schema)}
    if draft.own:
        return rules if tool.strict is None else {**rules, "strict": tool.strict and _can_hold(draft, tool)}
    return {**rules, "strict": bool(tool.strict) and _can_hold(draft, tool)}


def _can_hold(draft: Draft, tool: Tool) -> bool:
    """Whether the target holds the tool's arguments to their schema; else that is told."""
    if not draft.traits.strict_tools:
        draft.count("dropped", "tools.strict", "the target does not hold tools to their schemas")
        return False
    if draft.own or is_strict(tool.schema or {"type": "object"}):
        return True
    draft.count("dropped", "tools.strict", "the target holds tools only to closed schemas without options")
    return False


def _fitted(draft: Draft, tool: Tool, schema: Json) -> Json:
    fitted = fit_tool(schema, draft.traits.schema_subset, strict=bool(tool.strict))
    if fitted is not schema:
        draft.count("approximated", "tools.schema", "cut down to the JSON Schema that the target takes")
    return fitted


def _server(draft: Draft, tool: Tool) -> Wire:
    if draft.own:
        return {"type": tool.type, **tool.extra}
    label = f"tool `{tool.type or tool.name}`"
    if tool.client_run:
        raise UnsupportedError(
            f"{label} has a schema that only its provider's models know, and {draft.target.model} is none of "
            "them; declare it as a tool with a schema of your own (you run it either way), or choose a model "
            "of the provider",
            param="tools",
        )
    raise UnsupportedError(
        f"{label} is run by the provider itself, and {draft.target.model} has no such tool; leave it out, or "
        "choose a model of the provider that has it",
        param="tools",
    )


def _choice(draft: Draft, choice: ToolChoice) -> Any:
    original = choice.extra.get(SPELLING)
    if choice.mode in _WORDS:
        return _WORDS[choice.mode]
    if draft.own and isinstance(original, dict):
        return _renamed(draft, choice, cast("Json", original))
    if choice.mode == "tool":
        return _named(draft, choice.name or "", choice.kind)
    tools = [_named(draft, name, choice.kind) for name in choice.names]
    return {"type": "allowed_tools", "mode": "required" if choice.required else "auto", "tools": tools}


def _named(draft: Draft, name: str, kind: str) -> Wire:
    wire_kind = kind if draft.free_text else "function"
    return {"type": wire_kind, "name": draft.name(name, kind)}


def _renamed(draft: Draft, choice: ToolChoice, original: Json) -> Wire:
    """The choice as it was sent, its names as the target takes them."""
    if choice.mode == "tool":
        return {**_within(draft, original), **_named(draft, choice.name or "", choice.kind)}
    pairs = zip(original["tools"], choice.names, strict=True)
    tools = [{**_within(draft, tool), **_named(draft, name, tool["type"])} for tool, name in pairs]
    return {**original, "tools": tools}


def _within(draft: Draft, original: Json) -> Wire:
    """What is chosen, without the namespace that the target does not know."""
    return {key: value for key, value in original.items() if key != NAMESPACE or not draft.flat}


def _without(draft: Draft, tools: tuple[Tool, ...], choice: ToolChoice) -> tuple[Any, ToolChoice | None]:
    """Tools and choice where the target lacks the mode: fewer tools instead, and a looser wish."""
    draft.approximated("tool_choice", f"the target has no choice `{choice.mode}`")
    if choice.mode == "none":
        return None, None
    wanted = {choice.name} if choice.mode == "tool" else set(choice.names)
    if wanted:
        tools = tuple(tool for tool in tools if tool.name in wanted)
    forced = choice.mode in {"any", "tool"} or choice.required
    mode = "any" if forced and "any" in draft.traits.tool_choice else "auto"
    return tools, ToolChoice(mode) if mode in draft.traits.tool_choice else None


def _put_parallel(draft: Draft) -> None:
    parallel = draft.request.parallel_tool_calls
    if parallel is None or (not draft.own and not draft.request.tools):
        return
    if draft.traits.parallel_tool_calls:
        draft.body["parallel_tool_calls"] = parallel
    else:
        draft.dropped("parallel_tool_calls", "the target has no such switch")

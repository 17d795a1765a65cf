"""Tools and the choice among them: for an upstream."""

from typing import Any

from msgspec import structs

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.free_text import GRAMMAR_TOLD, SCHEMA, description_with_grammar
from pointsman.dialects.openai_chat.draft import Draft
from pointsman.dialects.openai_chat.request import IMPLIED, PARALLEL
from pointsman.dialects.openai_chat.tools import FLAT, LEGACY, encode_choice
from pointsman.dialects.schema import fit_tool, is_strict

_WORDS = {"auto": "auto", "any": "required", "none": "none"}


def put_tools(draft: Draft) -> None:
    """The members about tools. Raises UnsupportedError for a tool that only another provider runs."""
    request, traits = draft.request, draft.traits
    if request.tools and not traits.tools:
        raise UnsupportedError(
            f"{draft.target.model} takes no tools; choose a model that does", param="tools"
        )
    choice = request.tool_choice
    tools = request.tools
    if tools is not None and choice is not None and choice.mode not in traits.tool_choice:
        tools, choice = _without(draft, tools, choice)
    _put_each(draft, tools)
    if choice is not None and (draft.own or tools):
        legacy = draft.own and choice.form == LEGACY
        draft.body["function_call" if legacy else "tool_choice"] = _choice(draft, choice)
    elif choice is not None and choice.mode not in {"auto", "none"} and not request.tools:
        draft.dropped("tool_choice", "there are no tools to choose among")
    _put_parallel(draft)


def _put_each(draft: Draft, tools: tuple[Tool, ...] | None) -> None:
    form: Json = draft.request.form if draft.own else {}
    modern = [_tool(draft, tool) for tool in tools or () if not (draft.own and tool.form == LEGACY)]
    legacy = [_function(draft, tool) for tool in tools or () if draft.own and tool.form == LEGACY]
    if modern or form.get("tools") == "empty":
        draft.body["tools"] = modern
    if legacy or form.get("functions") == "empty":
        draft.body["functions"] = legacy


def _tool(draft: Draft, tool: Tool) -> dict[str, Any]:
    if tool.kind == "server":
        return _server(draft, tool)
    extra = _extra(draft, tool)
    inner: dict[str, Any] = {"name": draft.name(tool.name, tool.kind)}
    if tool.kind == "custom":
        if not draft.free_text:
            return _wrapped(draft, tool, inner)
        inner |= _described(tool) | _held(tool) | extra.pop("custom", {})
    else:
        flat = draft.own and tool.form == FLAT
        inner = _function(draft, tool) if flat else inner | _rules(draft, tool) | extra.pop("function", {})
        if flat:
            return {"type": "function", **inner}
    kind = {} if draft.own and tool.form == "untyped" else {"type": tool.kind}
    return {**kind, tool.kind: inner, **draft.mark(tool.cache), **extra}


def _wrapped(draft: Draft, tool: Tool, inner: dict[str, Any]) -> dict[str, Any]:
    """A tool with free text, as a function."""
    draft.count("approximated", "tools.custom", "free text is sent as a function with one string")
    if tool.grammar is not None:
        draft.count("approximated", "tools.grammar", GRAMMAR_TOLD)
    described = _described(structs.replace(tool, description=description_with_grammar(tool)))
    function = {**inner, **described, "parameters": SCHEMA}
    return {"type": "function", "function": function, **draft.mark(tool.cache)}


def _function(draft: Draft, tool: Tool) -> dict[str, Any]:
    """A function whose members stand side by side."""
    return {"name": draft.name(tool.name), **_rules(draft, tool), **tool.extra}


def _described(tool: Tool) -> dict[str, Any]:
    return {} if tool.description is None else {"description": tool.description}


def _held(tool: Tool) -> dict[str, Any]:
    """The grammar that its free text is held to."""
    return {} if tool.grammar is None else {"format": {"type": "grammar", "grammar": tool.grammar}}


def _rules(draft: Draft, tool: Tool) -> dict[str, Any]:
    rules = _described(tool)
    if tool.schema is not None:
        rules["parameters"] = _fitted(draft, tool, tool.schema)
    if tool.strict is not None and (not tool.strict or _can_hold(draft, tool)):
        rules["strict"] = tool.strict
    return rules


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


def _extra(draft: Draft, tool: Tool) -> dict[str, Any]:
    if draft.own:
        return dict(tool.extra)
    draft.dropped_extra(tool.extra, "tools")
    return {}


def _server(draft: Draft, tool: Tool) -> dict[str, Any]:
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
    named = (*choice.names, *([] if choice.name is None else [choice.name]))
    sent = {name: draft.name(name, choice.kind) for name in named}
    renamed = any(name != new for name, new in sent.items())
    if draft.own and choice.form == LEGACY:
        return {"name": sent[choice.name], **choice.extra} if choice.name else choice.mode
    if draft.own and SPELLING in choice.extra and not renamed:
        return choice.extra[SPELLING]
    if choice.mode in _WORDS:
        return choice.form if draft.own and choice.form else _WORDS[choice.mode]
    name = None if choice.name is None else sent[choice.name]
    kind = choice.kind if draft.free_text else "function"
    names = tuple(sent[each] for each in choice.names)
    return encode_choice(structs.replace(choice, name=name, kind=kind, names=names))


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
    implied = draft.own and draft.request.form.get(PARALLEL) == IMPLIED
    if parallel is None or implied or (not draft.own and not draft.request.tools):
        return
    if draft.traits.parallel_tool_calls:
        draft.body[PARALLEL] = parallel
    else:
        draft.dropped(PARALLEL, "the target has no such switch")

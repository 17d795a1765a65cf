"""Tools of another dialect's requests and the choice among them, for one target."""

from typing import Any

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.free_text import GRAMMAR_TOLD, description_with_grammar
from pointsman.dialects.gemini.draft import Draft
from pointsman.dialects.gemini.schemas import to_openapi
from pointsman.dialects.gemini.tools import DECLARATIONS, VALIDATED
from pointsman.dialects.schema import fit

_FREE_TEXT: Json = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def put_tools(draft: Draft) -> None:
    """The members about tools. Raises UnsupportedError for a tool that only another provider runs."""
    request, traits = draft.request, draft.traits
    tools, choice = request.tools or (), request.tool_choice
    if tools and not traits.tools:
        raise UnsupportedError(
            f"{draft.target.model} takes no tools; choose a model that does", param="tools"
        )
    if request.parallel_tool_calls is False and tools and (choice is None or choice.mode != "none"):
        draft.dropped("parallel_tool_calls", "the target has no such switch")
    if tools and choice is not None and choice.mode not in traits.tool_choice:
        tools, choice = _without(draft, tools, choice)
    if tools:
        declared = [_declaration(draft, tool, f"tools[{at}]") for at, tool in enumerate(tools)]
        draft.body["tools"] = [{DECLARATIONS: declared}]
    if choice is not None and tools:
        draft.body["toolConfig"] = {"functionCallingConfig": _calling(draft, choice)}
    elif choice is not None and choice.mode not in ("auto", "none") and not request.tools:
        draft.dropped("tool_choice", "there are no tools to choose among")


def _declaration(draft: Draft, tool: Tool, path: str) -> dict[str, Any]:
    if tool.kind == "server":
        _refuse(draft, tool, path)
    draft.count_mark(tool)
    draft.dropped_extra(tool.extra, path)
    wire: dict[str, Any] = {"name": draft.name(tool.name, tool.kind)}
    description = description_with_grammar(tool)
    if description is not None:
        wire["description"] = description
    if tool.strict:
        draft.dropped(f"{path}.strict", "the target does not hold single tools to their schemas")
    if tool.kind == "custom":
        draft.approximated(path, "free text is sent as a function with one string")
        if tool.grammar is not None:
            draft.approximated(f"{path}.grammar", GRAMMAR_TOLD)
        return {**wire, "parametersJsonSchema": _FREE_TEXT}
    return {**wire, **_parameters(draft, tool, f"{path}.schema")}


def _refuse(draft: Draft, tool: Tool, path: str) -> None:
    """Raises UnsupportedError."""
    model = draft.target.model
    if tool.client_run:
        what = f"has a schema that only its provider's models know, and {model} is none of them"
        how = "declare it as a tool with a schema of your own (you run it either way)"
    else:
        what = f"is run by the provider itself, and {model} has no such tool"
        how = "leave it out, or choose a model of the provider that has it"
    raise UnsupportedError(f"tool `{tool.name}` {what}; {how}", param=path)


def _parameters(draft: Draft, tool: Tool, path: str) -> dict[str, Any]:
    """The schema: whole JSON Schema where the target takes it, else the API's own form."""
    if tool.schema is None:
        return {}
    subset = draft.traits.schema_subset
    if subset == "openapi":
        if not tool.schema.get("properties"):
            return {}  # the API refuses an object without properties
        return {"parameters": _told(draft, tool.schema, to_openapi(tool.schema), path)}
    fitted = fit(tool.schema, subset)
    return {"parametersJsonSchema": _told(draft, tool.schema, fitted, path)}


def _told(draft: Draft, schema: Json, fitted: Json, path: str) -> Json:
    if fitted is not schema:
        draft.approximated(path, "cut down to the schema that the target takes")
    return fitted


def _calling(draft: Draft, choice: ToolChoice) -> dict[str, Any]:
    """`functionCallingConfig`."""
    if choice.mode in ("auto", "any", "none"):
        return {"mode": choice.mode.upper()}
    named = (choice.name,) if choice.mode == "tool" and choice.name is not None else choice.names
    mode = "ANY" if choice.mode == "tool" or choice.required else VALIDATED
    return {"mode": mode, "allowedFunctionNames": [draft.name(name, choice.kind) for name in named]}


def _without(
    draft: Draft, tools: tuple[Tool, ...], choice: ToolChoice
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Tools and choice where the target lacks the mode: fewer tools instead, and a looser wish."""
    draft.approximated("tool_choice", f"the target has no choice `{choice.mode}`")
    if choice.mode == "none":
        return (), None
    wanted = {choice.name} if choice.mode == "tool" else set(choice.names)
    if wanted:
        tools = tuple([tool for tool in tools if tool.name in wanted])
    forced = choice.mode in ("any", "tool") or choice.required
    mode = "any" if forced and "any" in draft.traits.tool_choice else "auto"
    return tools, ToolChoice(mode)

"""Tools and the choice among them: from the client's request.

The tools of a namespace become tools of their own whose names say the namespace, too; the first of them keeps
what else the namespace says.
"""

from typing import Literal, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.free_text import take_grammar
from pointsman.dialects.names import joined, parted
from pointsman.dialects.openai_responses.words import CLIENT_TOOLS
from pointsman.wire.fields import Fields, as_array, as_object, as_text, wrong

NAMESPACE = "namespace"
"""The type of a group of tools; and the member of the first one's `extra` with what else the group says."""
MODES: dict[str, Literal["auto", "none", "any"]] = {"auto": "auto", "none": "none", "required": "any"}
_NAMED = ("function", "custom")


def take_tools(fields: Fields) -> tuple[Tool, ...] | None:
    """`tools`; None if the client sent none. Raises MalformedError."""
    values = fields.take("tools")
    if values is None:
        return None
    return tuple(
        tool
        for at, value in enumerate(as_array(values, "tools"))
        for tool in _tools(Fields(value, f"tools[{at}]"))
    )


def _tools(fields: Fields) -> tuple[Tool, ...]:
    if fields.rest.get("type") == NAMESPACE and fields.rest.get("tools"):
        return _namespace(fields)
    return (_tool(fields),)


def _namespace(fields: Fields) -> tuple[Tool, ...]:
    name, path = fields.required_text("name"), fields.at("tools")
    values = as_array(fields.take("tools"), path)
    inner = [_tool(Fields(value, f"{path}[{at}]"), name) for at, value in enumerate(values)]
    del fields.rest["type"]
    head = structs.replace(inner[0], extra={**inner[0].extra, NAMESPACE: fields.rest})
    return (head, *inner[1:])


def _tool(fields: Fields, namespace: str | None = None) -> Tool:
    kind = as_text(fields.rest.get("type", "function"), fields.at("type"))
    if kind == "function":
        return _function(fields, namespace)
    del fields.rest["type"]
    if kind == "custom":
        name, description = _named(fields, namespace), fields.text("description")
        grammar = take_grammar(fields.rest.get("format"))
        if grammar is not None:
            del fields.rest["format"]
        return Tool(name, description, kind="custom", grammar=grammar, extra=fields.rest)
    return _built_in(fields, kind)


def _function(fields: Fields, namespace: str | None) -> Tool:
    form = "" if fields.rest.pop("type", None) else "untyped"
    return Tool(
        name=_named(fields, namespace),
        description=fields.text("description"),
        schema=fields.object("parameters"),
        strict=fields.boolean("strict"),
        form=form,
        extra=fields.rest,
    )


def _named(fields: Fields, namespace: str | None) -> str:
    name = fields.required_text("name")
    return name if namespace is None else joined(namespace, name)


def _built_in(fields: Fields, kind: str) -> Tool:
    """A tool of the provider's; a shell in a container is one that the provider runs."""
    environment: object = fields.rest.get("environment")
    place = cast("Json", environment).get("type", "local") if isinstance(environment, dict) else "local"
    client_run = kind in CLIENT_TOOLS or (kind == "shell" and place == "local")
    return Tool(kind, kind="server", type=kind, extra=fields.rest, client_run=client_run)


def take_choice(fields: Fields, tools: tuple[Tool, ...] | None) -> ToolChoice | None:
    """`tool_choice`; a choice that no other dialect has stays in the rest. Raises MalformedError.

    A name may stand without the namespace in which its tool was declared.
    """
    value = fields.rest.get("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        mode = MODES.get(value)
        choice = None if mode is None else ToolChoice(mode)
    elif isinstance(value, dict):
        choice = _choice(as_object(cast("object", value), "tool_choice"))
    else:
        raise wrong("tool_choice", "a string or an object", value)
    if choice is not None:
        del fields.rest["tool_choice"]
        return _resolved(choice, [tool.name for tool in tools or ()])
    return None


def _resolved(choice: ToolChoice, declared: list[str]) -> ToolChoice:
    """The choice by the full names of its tools, where they are told apart without."""

    def full(name: str) -> str:
        found = [each for each in declared if parted(each)[1] == name]
        return found[0] if len(found) == 1 and name not in declared else name

    named = None if choice.name is None else full(choice.name)
    return structs.replace(choice, name=named, names=tuple(map(full, choice.names)))


def _choice(value: Json) -> ToolChoice | None:
    kind = as_text(value.get("type", "function"), "tool_choice.type")
    if kind in _NAMED:
        name = Fields(value, "tool_choice").required_text("name")
        choice = ToolChoice("tool", _full(value, name), "custom" if kind == "custom" else "function")
    elif kind == "allowed_tools":
        names = _allowed(value.get("tools"))
        if names is None:
            return None
        choice = ToolChoice("allowed", names=names, required=value.get("mode") == "required")
    else:
        return None
    return structs.replace(choice, extra={SPELLING: value})


def _allowed(tools: object) -> tuple[str, ...] | None:
    """The names of the tools; None if one of them is of another kind."""
    found = [as_object(tool, "tool_choice.tools") for tool in as_array(tools, "tool_choice.tools")]
    if any(tool.get("type") not in _NAMED or not isinstance(tool.get("name"), str) for tool in found):
        return None
    return tuple(_full(tool, str(tool["name"])) for tool in found)


def _full(value: Json, name: str) -> str:
    namespace = value.get(NAMESPACE)
    return joined(namespace, name) if isinstance(namespace, str) else name

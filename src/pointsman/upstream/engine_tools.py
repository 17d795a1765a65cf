"""Tool calls from a model that knows none: the engine's grammar forces the answer into a call's form.

One tool: the answer is its arguments. Several: `{"name": …, "arguments": …}`, in that order. Either way the
text of the answer is cut back into the deltas of a tool call as it arrives.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.wire.fields import as_array, as_object, as_text
from pointsman.wire.json import decode_object, encode

_NO_PARAMETERS: Json = {"type": "object", "properties": {}, "additionalProperties": False}
_SAYS_NOTHING = frozenset({"type", "properties", "required", "description", "title", "$schema"})
_VALUES_NOT_SCHEMAS = frozenset({"const", "enum", "default", "examples"})
_LONGEST_TEXT = 2000
"""Characters of the tools' description: a small model reads 100 tokens a second."""


class Tool(Struct, frozen=True):
    """A function that the client offers."""

    name: str
    description: str
    parameters: Json


class Forced(Struct, frozen=True):
    """The tools of which the answer must call one."""

    tools: tuple[Tool, ...]

    @property
    def only(self) -> str | None:
        """The tool's name where there is no choice."""
        return self.tools[0].name if len(self.tools) == 1 else None

    def schema(self) -> Json:
        """The JSON Schema of the answer."""
        if len(self.tools) == 1:
            return self.tools[0].parameters
        places = [f"tool{index}" for index in range(len(self.tools))]
        definitions = {
            place: _moved(tool.parameters, f"#/$defs/{place}")
            for place, tool in zip(places, self.tools, strict=True)
        }
        calls = [_call(tool.name, place) for place, tool in zip(places, self.tools, strict=True)]
        return {"anyOf": calls, "$defs": definitions}

    def instruction(self) -> str:
        """What the model is told."""
        listed = "\n".join(
            f"{tool.name}: {tool.description} {encode(tool.parameters).decode()}" for tool in self.tools
        )
        form = "its arguments" if self.only else 'its "name" and "arguments"'
        return f"Answer with a function call: a JSON object with {form}.\n{listed}"[:_LONGEST_TEXT]


def forced_tools(request: Json) -> Forced | None:
    """The tools that `tool_choice` forces, in all its forms; None where the model is free.

    Raises UnsupportedError for a choice that names none of the request's functions, MalformedError.
    """
    choice = request.get("tool_choice")
    if choice is None or choice in ("auto", "none"):
        return None
    tools = _functions(request.get("tools") or [])
    if choice != "required":
        names = _named(as_object(choice, "tool_choice"))
        if names is None:
            return None
        tools = [tool for tool in tools if tool.name in names]
    if not tools:
        raise UnsupportedError(
            "`tool_choice` forces a tool, but `tools` holds no such function; "
            "the embedded model calls functions only",
            param="tool_choice",
        )
    return Forced(tuple(tools))


def _named(choice: Json) -> Sequence[str] | None:
    """The names that a choice allows; None where it forces nothing."""
    if choice.get("type") == "allowed_tools":
        allowed = as_object(choice.get("allowed_tools", choice), "tool_choice.allowed_tools")
        if allowed.get("mode") != "required":
            return None
        tools = as_array(allowed.get("tools"), "tool_choice.allowed_tools.tools")
        return [name for tool in tools for name in _named(as_object(tool, "tool_choice")) or ()]
    function = as_object(choice.get("function", choice), "tool_choice.function")
    return [as_text(function.get("name"), "tool_choice.function.name")]


def _functions(tools: object) -> list[Tool]:
    found: list[Tool] = []
    for index, item in enumerate(as_array(tools, "tools")):
        tool = as_object(item, f"tools[{index}]")
        if tool.get("type") != "function":
            continue
        function = as_object(tool.get("function"), f"tools[{index}].function")
        name = as_text(function.get("name"), f"tools[{index}].function.name")
        parameters = as_object(function.get("parameters") or {}, f"tools[{index}].function.parameters")
        found.append(Tool(name, str(function.get("description") or ""), _closed(parameters)))
    return found


def _closed(parameters: Json) -> Json:
    """An object without properties, closed: a small model would fill an open one without end."""
    empty = not parameters.get("properties") and _SAYS_NOTHING.issuperset(parameters)
    return _NO_PARAMETERS if empty else parameters


def _call(name: str, place: str) -> Json:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, "arguments": {"$ref": f"#/$defs/{place}"}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, root: str) -> Any:
    """The schema with references to its own root (`#/…`) pointing to where it stands now."""
    if isinstance(schema, list):
        return [_moved(item, root) for item in cast("list[Any]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    moved: dict[str, Any] = {}
    for key, value in cast("Json", schema).items():
        if key == "$ref" and isinstance(value, str) and value.startswith("#"):
            moved[key] = root + value[1:]
        else:
            moved[key] = value if key in _VALUES_NOT_SCHEMAS else _moved(value, root)
    return moved


class CallWriter:
    """Turns the text of one choice's answer into the deltas of its tool call."""

    def __init__(self, forced: Forced, identity: str) -> None:
        self._only = forced.only
        self._identity = identity
        self._waiting = ""
        self._arguments: _ObjectEnd | None = None

    @property
    def begun(self) -> bool:
        """Whether a call has been written."""
        return self._arguments is not None

    def write(self, text: str) -> Iterable[Json]:
        """The members of `delta.tool_calls` that `text` gives rise to."""
        if self._arguments is None:
            self._waiting += text
            name, text = self._name()
            if name is None:
                return
            self._arguments = _ObjectEnd()
            function = {"name": name, "arguments": ""}
            yield {"index": 0, "id": self._identity, "type": "function", "function": function}
        text = self._arguments.take(text)
        if text:
            yield {"index": 0, "function": {"arguments": text}}

    def _name(self) -> tuple[str | None, str]:
        """The called tool's name, and the text after it; None while it is not complete."""
        if self._only is not None:
            begin = self._waiting.lstrip()
            return (self._only, begin) if begin else (None, "")
        opening = _OPENING.match(self._waiting)
        if opening is None:
            return None, ""
        called = decode_object(f'{{"name":{opening[1]}}}'.encode())
        return str(called["name"]), self._waiting[opening.end() :]


_OPENING = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\S)')


class _ObjectEnd:
    """Lets one JSON object pass and stops at its end."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escape = False
        self._over = False

    def take(self, text: str) -> str:
        """The part of `text` that belongs to the object."""
        for index, character in enumerate(text):
            if self._over:
                return text[:index]
            self._step(character)
        return text

    def _step(self, character: str) -> None:
        if self._escape:
            self._escape = False
        elif self._in_string:
            self._escape = character == "\\"
            self._in_string = character != '"'
        elif character == '"':
            self._in_string = True
        elif character in "{}":
            self._depth += 1 if character == "{" else -1
            self._over = self._depth == 0

"""Tools and the choice among them: to canonical ones.

One wire tool may declare several functions and switch on tools of the provider's; each of them becomes a
tool.
"""

from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.gemini.schemas import to_json_schema
from pointsman.dialects.gemini.spelling import Members, camel, repeated
from pointsman.wire.fields import as_object, as_text

DECLARATIONS = "functionDeclarations"
VALIDATED = "VALIDATED"
"""The mode in which a call follows its schema to the letter (ai.google.dev, "Function calling")."""

_MODES = frozenset({"AUTO", "ANY", "NONE", VALIDATED, "MODE_UNSPECIFIED"})


def decode_tools(value: object, path: str) -> tuple[Tool, ...]:
    """The tools. Raises MalformedError."""
    found: list[Tool] = []
    for at, wire in enumerate(repeated(value, path)):
        for key, each in wire.items():
            place = f"{path}[{at}].{camel(key)}"
            if camel(key) == DECLARATIONS and each is not None:
                declared = repeated(each, place)
                found += [_function(one, f"{place}[{number}]") for number, one in enumerate(declared)]
            elif each is not None and each is not False:
                found.append(_server_tool(camel(key), each))
    return tuple(found)


def _function(wire: Json, path: str) -> Tool:
    fields = Members(wire, path)
    name = fields.required_text("name")
    if not name:
        raise MalformedError(f"`{path}.name` must not be empty", param=f"{path}.name")
    described = fields.text("description")
    own, schema = fields.object("parameters"), fields.take("parametersJsonSchema")
    if own is None and schema is not None:
        own = as_object(schema, fields.at("parametersJsonSchema"))
    return Tool(name, described, None if own is None else to_json_schema(own), extra=fields.rest)


def _server_tool(type: str, value: object) -> Tool:
    """A tool that the provider runs; only its computer is driven by the client."""
    extra: Json = cast("Json", value) if isinstance(value, dict) else {}
    return Tool(type, kind="server", type=type, extra=extra, client_run=type == "computerUse")


def decode_choice(config: Members) -> tuple[ToolChoice | None, dict[str, Any]]:
    """(choice, what of `functionCallingConfig` has no canonical place). Raises MalformedError."""
    value = config.take("functionCallingConfig")
    if value is None:
        return None, {}
    fields = Members(value, config.at("functionCallingConfig"))
    mode = (fields.text("mode") or "AUTO").upper()
    allowed = fields.array("allowedFunctionNames")
    names = tuple([as_text(name, fields.at("allowedFunctionNames")) for name in allowed or ()])
    if mode not in _MODES:
        raise MalformedError(f"`{fields.at('mode')}` is not a mode: {mode}", param=fields.at("mode"))
    rest: dict[str, Any] = {"mode": mode, **fields.rest} if mode == VALIDATED and not names else fields.rest
    return _choice(mode, names), rest


def _choice(mode: str, names: tuple[str, ...]) -> ToolChoice:
    if mode == "NONE":
        return ToolChoice("none")
    if mode == "ANY" and len(names) == 1:
        return ToolChoice("tool", names[0])
    if mode in ("ANY", VALIDATED) and names:
        return ToolChoice("allowed", names=names, required=mode == "ANY")
    return ToolChoice("any" if mode == "ANY" else "auto")

"""Schemas: the API's own (OpenAPI 3.0 in proto-JSON, types in capitals) and JSON Schema.

Only schema positions are changed: a property named like a keyword stays what it is. Below `_DEEPEST` levels a
schema stays as it came.
"""

from collections.abc import Mapping
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.dialects.gemini.spelling import camel
from pointsman.dialects.schema import fit

_MAPS = frozenset({"properties", "$defs", "definitions", "defs", "patternProperties"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE = frozenset(
    {"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"}
)
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
_NO_TYPE = "TYPE_UNSPECIFIED"
_OWN = frozenset({"nullable", "example", "propertyOrdering"})
"""Keywords that JSON Schema lacks."""
_RENAMED = {"ref": "$ref", "defs": "$defs"}
_DEEPEST = 100


def to_json_schema(schema: Json) -> Json:
    """The API's own schema as JSON Schema; the very same object where it is one already."""
    converted = _converted(schema, 0)
    return schema if converted == schema else converted


def _converted(value: Any, depth: int) -> Any:
    """A value at a schema position."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return cast("object", value)
    schema = {_keyword(key): each for key, each in cast("Json", value).items()}
    result = {key: _member(key, each, depth) for key, each in schema.items() if _is_said(key, each)}
    if schema.get("nullable") is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
        if isinstance(result.get("enum"), list) and None not in result["enum"]:
            result["enum"] = [*result["enum"], None]
    return result


def _keyword(key: str) -> str:
    name = key if key.startswith("$") else camel(key)
    return _RENAMED.get(name, name)


def _is_said(key: str, value: Any) -> bool:
    if key in _OWN:
        return False
    return not (key == "type" and value == _NO_TYPE) and not (key == "format" and value == "enum")


def _member(key: str, value: Any, depth: int) -> Any:
    if key == "type":
        return _lowered(value)
    if key in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)  # proto-JSON says long integers as strings
    if key == "$ref" and isinstance(value, str):
        return value.replace("#/defs/", "#/$defs/", 1)
    return _deeper(key, value, depth, _converted)


def _deeper(key: str, value: Any, depth: int, convert: Any) -> Any:
    """A member's schemas, each converted; other members as they are."""
    if key in _MAPS and isinstance(value, Mapping):
        return {name: convert(each, depth + 1) for name, each in cast("Json", value).items()}
    if key in _LISTS and isinstance(value, list):
        return [convert(each, depth + 1) for each in cast("list[Any]", value)]
    return convert(value, depth + 1) if key in _SINGLE else value


def _lowered(types: Any) -> Any:
    if isinstance(types, list):
        return [_lowered(each) for each in cast("list[Any]", types)]
    return types.lower() if isinstance(types, str) and types in _TYPES else types


def to_openapi(schema: Json) -> Json:
    """JSON Schema as the API's own: references resolved, one type each, `anyOf` the only combinator."""
    subset = "plain" if _holds(schema, "allOf", 0) else "openapi"
    return _capital(fit(schema, subset), 0)


def _holds(value: Any, keyword: str, depth: int) -> bool:
    """Whether a schema uses a keyword somewhere."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return False
    here = cast("Json", value)
    if keyword in here:
        return True
    below: list[Any] = []
    for key, each in here.items():
        if key in _MAPS and isinstance(each, Mapping):
            below += cast("Json", each).values()
        elif key in _LISTS and isinstance(each, list):
            below += cast("list[Any]", each)
        elif key in _SINGLE:
            below.append(each)
    return any(_holds(each, keyword, depth + 1) for each in below)


def _capital(value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return cast("object", value)
    schema = dict(cast("Json", value))
    if "oneOf" in schema:
        schema.setdefault("anyOf", schema["oneOf"])
    result = {key: _deeper(key, each, depth, _capital) for key, each in schema.items() if key in _TAKEN}
    if isinstance(result.get("type"), str):
        result["type"] = result["type"].upper()
    if isinstance(result.get("enum"), list):
        result["enum"] = [str(each) for each in result["enum"] if each is not None]
    return result


_TAKEN = (
    _COUNTS
    | {"type", "format", "title", "description", "nullable", "enum", "items", "properties"}
    | {"required", "minimum", "maximum", "pattern", "default", "anyOf"}
)
"""ai.google.dev, "Schema"."""

"""JSON Schemas cut down to what a provider takes, at schema positions only.

`plain`: no `$ref` (resolved), no combinators (merged, or the first that is no null), no formats.
`grammar`: closed objects; no bounds of numbers, lengths and arrays, and few formats, since the schema becomes
the grammar of the answer (platform.claude.com, "Structured outputs"). Tools keep theirs unless strict.
A schema that refers to itself stays so, and is refused there.
`openapi`: OpenAPI 3.0's subset: no `$ref` (resolved), `const` as `enum`, types of one word with `nullable`.
A property named like a keyword stays, and so do values below `enum`, `default` and `const`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

from pointsman.canon.json import Json

Subset = Literal["full", "openapi", "plain", "grammar"]

_COMMON = frozenset(
    {"type", "description", "properties", "required", "items", "enum", "minItems", "maxItems"}
    | {"minimum", "maximum", "minLength", "maxLength", "pattern", "title", "default", "nullable"}
)
_KEPT: dict[str, frozenset[str]] = {
    "openapi": _COMMON | {"format", "anyOf", "oneOf", "allOf", "minProperties", "maxProperties"},
    "plain": _COMMON - {"pattern", "default", "nullable"} | {"additionalProperties"},
}
_DEEPEST = 24
"""Levels at which a schema that refers to itself is cut."""


def fit(schema: Json, subset: Subset) -> Json:
    """`schema` within the subset; the very same object where all of JSON Schema is taken."""
    if subset == "full":
        return schema
    fitted = _closed(schema) if subset == "grammar" else _Fitting(schema, subset).schema(schema, 0, ())
    return schema if fitted == schema else fitted


def fit_tool(schema: Json, subset: Subset, *, strict: bool) -> Json:
    """The same for a tool, whose arguments are held to the schema only if it is `strict`."""
    return schema if subset == "grammar" and not strict else fit(schema, subset)


_GRAMMAR = frozenset(
    {"type", "description", "title", "default", "enum", "const", "properties", "required", "items"}
    | {"anyOf", "allOf", "$ref", "$defs", "definitions"}
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_HARD = re.compile(r"\(\?(?!:)|\\[bB1-9]")
"""Of a pattern: groups that look around or are referred to, and borders of words."""


def _closed(value: Any) -> Any:
    """A value at a schema position, as far as a grammar can say it."""
    if not isinstance(value, Mapping):
        return {} if value is True else cast("object", value)
    here = dict(cast("Json", value))
    if "oneOf" in here and "anyOf" not in here:
        here["anyOf"] = here.pop("oneOf")
    said = [key for key in here if key in _GRAMMAR or _sayable(key, here[key])]
    kept = {key: _closed_member(key, here[key]) for key in said}
    types = here.get("type")
    if types == "object" or (isinstance(types, list) and "object" in types) or "properties" in here:
        kept["additionalProperties"] = False
    return kept


def _closed_member(key: str, value: Any) -> Any:
    if key in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
        return {name: _closed(each) for name, each in cast("Json", value).items()}
    if key in {"anyOf", "allOf"} and isinstance(value, list):
        return [_closed(each) for each in cast("list[Any]", value)]
    return _closed(value) if key == "items" else value


def _sayable(key: str, value: Any) -> bool:
    """Whether a keyword that a grammar knows only in part has such a value."""
    if key == "minItems":
        return value in (0, 1)
    if key == "pattern":
        return isinstance(value, str) and _HARD.search(value) is None
    return key == "format" and isinstance(value, str) and value in _FORMATS


class _Fitting:
    """One schema, with what its references point into."""

    def __init__(self, root: Json, subset: Literal["openapi", "plain"]) -> None:
        self._root = root
        self._plain = subset == "plain"
        self._kept = _KEPT[subset]

    def schema(self, value: Any, depth: int, seen: tuple[str, ...]) -> Any:
        """A value at a schema position."""
        if not isinstance(value, Mapping):
            return {} if value is True else cast("object", value)
        here, seen = self._resolved(cast("Json", value), seen)
        if depth > _DEEPEST:
            return {"type": here["type"]} if "type" in here else {}
        if self._plain:
            here = self._merged(here, seen)
        here = _one_type(here, nullable=not self._plain)
        if "const" in here and "enum" not in here:
            here = {**here, "enum": [here["const"]]}
        fitted = {key: self._member(key, here[key], depth + 1, seen) for key in here if key in self._kept}
        required, properties = fitted.get("required"), fitted.get("properties")
        if isinstance(required, list):
            known: Json = cast("Json", properties) if isinstance(properties, Mapping) else {}
            named = cast("list[Any]", required)
            fitted["required"] = [name for name in named if isinstance(name, str) and name in known]
        return fitted

    def _member(self, key: str, value: Any, depth: int, seen: tuple[str, ...]) -> Any:
        if key == "properties" and isinstance(value, Mapping):
            properties = cast("Json", value)
            return {name: self.schema(each, depth, seen) for name, each in properties.items()}
        if key in {"anyOf", "oneOf", "allOf"} and isinstance(value, list):
            return [self.schema(each, depth, seen) for each in cast("list[Any]", value)]
        if key in {"items", "additionalProperties"}:
            return value if isinstance(value, bool) else self.schema(value, depth, seen)
        return value

    def _resolved(self, value: Json, seen: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
        """The schema that a reference stands for; an object without rules where it leads in a circle."""
        while isinstance(reference := value.get("$ref"), str):
            beside = {key: each for key, each in value.items() if key != "$ref"}
            found = None if reference in seen else self._find(reference)
            seen = (*seen, reference)
            value = {"type": "object", **beside} if found is None else {**found, **beside}
        return value, seen

    def _find(self, reference: str) -> Json | None:
        if not reference.startswith("#"):
            return None
        place: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(place, Mapping) or key not in place:
                return None
            place = cast("Json", place)[key]
        return cast("Json", place) if isinstance(place, Mapping) else None

    def _merged(self, value: Json, seen: tuple[str, ...]) -> Json:
        """The schema without combinators: all of `allOf`, the first of `anyOf` or `oneOf` that is no null."""
        merged = {key: each for key, each in value.items() if key not in {"allOf", "anyOf", "oneOf"}}
        branches = self._branches(value, "allOf", seen)
        for key in ("anyOf", "oneOf"):
            filled = [each for each in self._branches(value, key, seen) if each[0].get("type") != "null"]
            branches += filled[:1]
        for branch, followed in branches:
            merged = _both(merged, self._merged(branch, followed))
        return merged

    def _branches(self, value: Json, key: str, seen: tuple[str, ...]) -> list[tuple[Json, tuple[str, ...]]]:
        """The schemas of a combinator, each with the references followed on the way to it."""
        found = value.get(key)
        if not isinstance(found, list):
            return []
        branches = cast("list[Any]", found)
        return [self._resolved(cast("Json", each), seen) for each in branches if isinstance(each, Mapping)]


def _both(one: Json, other: Json) -> dict[str, Any]:
    merged = {**other, **one}
    if isinstance(one.get("properties"), dict) and isinstance(other.get("properties"), dict):
        merged["properties"] = {**other["properties"], **one["properties"]}
    if isinstance(one.get("required"), list) and isinstance(other.get("required"), list):
        named = [*one["required"], *other["required"]]
        merged["required"] = [name for at, name in enumerate(named) if name not in named[:at]]
    return merged


def _one_type(value: Json, *, nullable: bool) -> Json:
    """`["string", "null"]` as one word."""
    types = value.get("type")
    if not isinstance(types, list):
        return value
    words = [word for word in cast("list[str]", types) if word != "null"]
    one = {key: each for key, each in value.items() if key != "type"}
    if words:
        one["type"] = words[0]
    return {**one, "nullable": True} if nullable and "null" in types else one


def is_strict(schema: Json) -> bool:
    """Whether OpenAI takes it in strict mode: an object, each object closed, each property required."""
    return schema.get("type") == "object" and _is_closed(schema)


def _is_closed(schema: Json) -> bool:
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        named = cast("Json", properties)
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or not isinstance(required, list):
            return False
        if any(name not in required for name in named):
            return False
        if not all(_is_closed(cast("Json", each)) for each in named.values() if isinstance(each, Mapping)):
            return False
    elif schema.get("type") == "object":
        return False
    items = schema.get("items")
    return _is_closed(cast("Json", items)) if isinstance(items, Mapping) else "$ref" not in schema

"""JSON Schemas as the engine's grammar takes them, and what it would pass over without a word.

Tried on llama.cpp as of xllamacpp 2026.10: a pattern must be anchored and may hold no class escapes, groups
other than `(?:`, or references; else it takes any string, and says so on the terminal. `true` as a schema
is an error.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.loss import Loss

_ONE = frozenset({"additionalProperties", "unevaluatedProperties"})
_MANY = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs", "definitions"})
_PASSED_OVER = frozenset(
    {
        "multipleOf",
        "uniqueItems",
        "contains",
        "patternProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
    }
    | {"minProperties", "maxProperties", "dependentRequired", "dependentSchemas"}
)
"""Keywords that the engine's grammar ignores."""

_FORMATS = frozenset({"date", "time", "date-time", "uuid"})
"""Those that it knows."""

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " ", "D": "^0-9", "W": "^A-Za-z0-9_", "S": "^ "}
_TOKEN = re.compile(r"\\.|\[|\]|\(\?.?|.", re.DOTALL)
_PLAIN_ESCAPES = frozenset('nrtux.*+?()[]{}|^$\\"-')
_WHY = "the embedded model's grammar cannot enforce it"


def fitted(schema: Json, path: str) -> tuple[Json, tuple[Loss, ...]]:
    """The schema for the engine, and what of it is not enforced; `path` names it in the losses."""
    losses: dict[str, Loss] = {}
    return _fit(schema, path, losses), tuple(losses.values())


def _fit(schema: Any, path: str, losses: dict[str, Loss]) -> Any:
    if schema is True:
        return {}
    if not isinstance(schema, Mapping):
        return schema
    fit: dict[str, Any] = {}
    for key, value in cast("Json", schema).items():
        if key in _PASSED_OVER or (key == "format" and str(value) not in _FORMATS):
            _lose(f"{path}.{key}", losses)
        elif key == "pattern" and isinstance(value, str):
            pattern = portable(value)
            if pattern is None:
                _lose(f"{path}.pattern", losses)
            else:
                fit[key] = pattern
        else:
            fit[key] = _member(key, value, f"{path}.{key}", losses)
    return fit


def _member(key: str, value: Any, path: str, losses: dict[str, Loss]) -> Any:
    if key in _NAMED and isinstance(value, Mapping):
        named = cast("Json", value).items()
        return {name: _fit(item, f"{path}.{name}", losses) for name, item in named}
    if key in _MANY and isinstance(value, list):
        return [_fit(item, path, losses) for item in cast("list[Any]", value)]
    if key == "items" or (key in _ONE and not isinstance(value, bool)):
        return _fit(value, path, losses)
    return value


def _lose(what: str, losses: dict[str, Loss]) -> None:
    losses[what] = Loss("dropped", what, _WHY)


def portable(pattern: str) -> str | None:
    """The same pattern in the words that the engine knows; None if it has none for it."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    begins, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    inner = _translated(pattern[begins : len(pattern) - ends])
    if inner is None:
        return None
    inner = f"(?:{inner})" if "|" in inner else inner
    return f"^{'' if begins else '.*'}{inner}{'' if ends else '.*'}$"


def _translated(pattern: str) -> str | None:
    parts: list[str] = []
    in_class = False
    for token in _TOKEN.findall(pattern):
        part = _escape(token[1:], in_class) if token.startswith("\\") else token
        if part is None or (token.startswith("(?") and token != "(?:") or (not in_class and token in "^$"):
            return None
        in_class = token == "[" or (in_class and token != "]")
        parts.append(part)
    return "".join(parts)


def _escape(name: str, in_class: bool) -> str | None:
    if name in _CLASSES:
        members = _CLASSES[name]
        if not in_class:
            return f"[{members}]"
        return None if members.startswith("^") else members
    if name in _PLAIN_ESCAPES:
        return "\\" + name
    return None if name.isalnum() else name

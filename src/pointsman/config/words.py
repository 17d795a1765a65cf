"""Types in the words of a TOML file, for error messages and for the reference."""

import datetime
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from msgspec import Meta, Struct

from pointsman.canon.json import Json
from pointsman.config.size import Size

_SIMPLE: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    Size: "size",
    Json: "table",
}
_FOUND: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (tuple, "array"),
    (Mapping, "table"),
    (datetime.date, "date"),
    (datetime.time, "time"),
)


def describe_type(kind: object) -> str:
    """`integer from 0 to 65535`, `array of strings`, …"""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin is Annotated:
        return _constrained(describe_type(arguments[0]), arguments[1:])
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(describe_type(part) for part in arguments if part is not NoneType)
    if origin is tuple:
        return f"array of {_plural(describe_type(arguments[0]))}"
    if origin is dict and not is_struct(arguments[1]):
        return f"table of {_plural(describe_type(arguments[1]))}"
    return "table"


def _plural(words: str) -> str:
    noun, *rest = words.split(" ", 1)
    return " ".join((f"{noun}s", *rest))


def is_struct(kind: object) -> bool:
    """Whether a type is a Struct."""
    return isinstance(kind, type) and issubclass(kind, Struct)


def _constrained(word: str, constraints: tuple[object, ...]) -> str:
    for meta in constraints:
        if isinstance(meta, Meta):
            word = meta.description or word
            word += f" from {meta.ge} to {meta.le}" if meta.ge is not None and meta.le is not None else ""
            word += f" of at least {meta.ge}" if meta.ge is not None and meta.le is None else ""
            word += f" above {meta.gt}" if meta.gt is not None else ""
    return word


def describe_value(value: object) -> str:
    """What a value is, never the value: it may be a key that stands in the wrong place."""
    return next((word for kind, word in _FOUND if isinstance(value, kind)), type(value).__name__)

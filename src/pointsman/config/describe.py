"""The reference of `config.toml`, out of the schema: keys, types, defaults and the texts under the fields."""

import ast
import inspect
from collections.abc import Iterator
from typing import get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from pointsman.config.schema import Settings
from pointsman.config.size import Size
from pointsman.config.words import describe_type, is_struct


class Row(Struct, frozen=True):
    """One key."""

    key: str
    """Dotted; `NAME` stands for a name of the user's."""
    type: str
    default: str
    """As in TOML; empty where there is none."""
    meaning: str


def describe() -> tuple[Row, ...]:
    """All keys, in the order of the schema. Needs the source of the schema, so not for a frozen program."""
    return tuple(_rows(Settings, ""))


def _rows(kind: type[Struct], prefix: str) -> Iterator[Row]:
    texts = _texts(kind)
    for field in fields(kind):
        key = prefix + field.encode_name
        yield Row(key, describe_type(field.type), _default(field), texts[field.name])
        inner = _inner(field.type)
        if inner is not None:
            name = "" if is_struct(field.type) else ".NAME"
            yield from _rows(inner, f"{key}{name}.")


def _inner(kind: object) -> type[Struct] | None:
    candidate = get_args(kind)[1] if get_origin(kind) is dict else kind
    return candidate if isinstance(candidate, type) and issubclass(candidate, Struct) else None


def _texts(kind: type[Struct]) -> dict[str, str]:
    """The string under each annotated field, as one paragraph."""
    tree = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            texts[field.target.id] = _string(text)
    return texts


def _string(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def _default(field: FieldInfo) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else None
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or isinstance(value, Struct) or value in ((), {}):
        return ""
    if isinstance(value, Size):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"

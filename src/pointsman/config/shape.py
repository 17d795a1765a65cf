"""From decoded TOML to the schema's Structs, with errors that name the place."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Protocol, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from pointsman.canon.errors import SetupError
from pointsman.config.size import Size
from pointsman.config.words import describe_type, describe_value, is_struct

Shape = TypeVar("Shape", bound=Struct)
Path = tuple[str, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"-?\d{1,9}")
_FITTING = {"integer": ("integer",), "number": ("integer", "number")}
"""What may be found where such a type is expected and the value is out of its bounds."""
_EXAMPLES: dict[object, str] = {Size: '"64MB"'}
_KEY_WORDS = ("api_key", "apikey", "key", "token", "secret", "auth_token", "password")
_KEY_ADVICE = (
    "keys are not kept in this file: name the variable that holds it as `key_env`, "
    "or run `pointsman backend add`"
)


class Place(Protocol):
    """Says where a path stands, for a person: `config.toml, line 3: `."""

    def __call__(self, path: Path, /) -> str:
        """The words before the message."""
        ...


def build(kind: type[Shape], raw: Mapping[str, Any], place: Place, path: Path = ()) -> Shape:
    """A Struct out of a table. Raises SetupError naming the place, and the nearest key to an unknown one."""
    known = {field.encode_name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        field = known.get(key)
        if field is None:
            raise SetupError(place((*path, key)) + _unknown((*path, key), value, list(known)))
        values[field.name] = _value(field.type, value, place, (*path, key))
    return kind(**values)


def build_value(field: FieldInfo, value: object, place: Place, *, lax: bool = False) -> object:
    """One top-level value from elsewhere than the file; `lax` reads numbers and booleans from text.

    Raises SetupError.
    """
    return _leaf(field.type, value, place, (field.name,), strict=not lax)


def _value(kind: object, value: object, place: Place, path: Path) -> object:
    if is_struct(kind):
        return build(cast("type[Struct]", kind), _table(kind, value, place, path), place, path)
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        table = _table(kind, value, place, path)
        return {
            _leaf(arguments[0], name, place, (*path, name)): _value(arguments[1], row, place, (*path, name))
            for name, row in table.items()
        }
    return _leaf(kind, value, place, path)


def _table(kind: object, value: object, place: Place, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SetupError(place(path) + _mismatch(kind, value, path))
    return cast("Mapping[str, Any]", value)


def _leaf(kind: object, value: object, place: Place, path: Path, *, strict: bool = True) -> object:
    try:
        return msgspec.convert(value, cast("Any", kind), strict=strict, dec_hook=_custom)
    except (msgspec.ValidationError, ValueError) as error:
        shown = value if strict else _plain(value)
        raise SetupError(place(path) + _mismatch(kind, shown, path)) from error


def _plain(text: object) -> object:
    """A number that came as text."""
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


def _custom(kind: type, value: object) -> object:
    if kind is Size:
        return Size.parse(value)
    raise NotImplementedError(kind.__name__)


def _mismatch(kind: object, value: object, path: Path) -> str:
    expected, found = describe_type(kind), describe_value(value)
    if isinstance(value, int | float) and found in _FITTING.get(expected.split()[0], ()):
        found = f"{value}"  # the kind is right, so it is how much that is not
    if kind in _EXAMPLES:
        expected = f"{expected} such as {_EXAMPLES[kind]}"
    if kind is str and isinstance(value, Mapping):
        return _undotted(cast("Mapping[str, object]", value), path)
    if get_origin(kind) is Annotated and path[-1] == value:
        return f"`{dotted(path)}` is not a name that can be used here: expected {expected}"
    return f"`{dotted(path)}` is not as it must be: expected {expected}, found {found}"


def _undotted(value: Mapping[str, object], path: Path) -> str:
    """A table where a text belongs: to TOML, a dot in a key begins one."""
    *above, name = path
    whole = ".".join([name, *_first_names(value)])
    return (
        f"`{dotted(path)}` is not as it must be: expected string, found table; a name with a dot in it is "
        f'put in quotes: `"{whole}" = …` in `[{dotted(tuple(above))}]`'
    )


def _first_names(value: object) -> list[str]:
    names: list[str] = []
    while isinstance(value, Mapping) and value:
        name, value = next(iter(cast("Mapping[str, object]", value).items()))
        names.append(name)
    return names


def _unknown(path: Path, value: object, known: Sequence[str]) -> str:
    what, name = f"unknown key `{dotted(path)}`", path[-1]
    if name.lower() in _KEY_WORDS and "key_env" in known:
        return f"{what}: {_KEY_ADVICE}"
    if isinstance(value, Mapping) and len(path) > 2:
        *above, first, second = path
        whole = dotted((*above, f"{first}.{second}"))
        return f"{what}; a name with a dot in it is written in quotes: `[{whole}]`"
    return f"{what}; the nearest one is `{nearest(name, known)}`"


def nearest(name: str, known: Sequence[str]) -> str:
    """The most similar of some names."""
    return get_close_matches(name, known, n=1, cutoff=0.0)[0]


def dotted(path: Path) -> str:
    """A path as TOML writes it: names with a dot stand in quotes."""
    return ".".join(name if _BARE.fullmatch(name) else f'"{name}"' for name in path)

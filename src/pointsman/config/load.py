"""The effective configuration: defaults, then the file, then `POINTSMAN_*` variables, then flags."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from pointsman.canon.errors import SetupError
from pointsman.config import rules
from pointsman.config.environment import API_KEY_VARIABLE
from pointsman.config.lines import line_of
from pointsman.config.migrate import upgrade
from pointsman.config.schema import Settings
from pointsman.config.shape import build, build_value, nearest
from pointsman.store.files import read_optional

PREFIX = "POINTSMAN_"
_RESERVED = frozenset({API_KEY_VARIABLE, "POINTSMAN_HOME"})
DEFAULT = "default"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class Effective(Struct, frozen=True):
    """What holds now."""

    settings: Settings
    path: Path
    """The file, whether it exists or not; relative paths in it are relative to its folder."""
    sources: dict[str, str] = {}
    """By top-level key; a default is absent."""
    warnings: tuple[str, ...] = ()

    def source(self, key: str) -> str:
        """Where the value of a top-level key came from."""
        return self.sources.get(key, DEFAULT)


def load(path: Path, environment: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Effective:
    """Reads the file, if there is one, and lays variables and flags over it. Raises SetupError.

    A flag is named like its key; None is a flag that was not given.
    """
    settings, given = read_file(path)
    sources = dict.fromkeys(given, str(path))
    layers, warnings = _from_environment(environment)
    layers += _from_flags(flags or {})
    for field, value, source in layers:
        built = build_value(field, value, lambda _, source=source: f"{source}: ", lax=isinstance(value, str))
        settings = msgspec.structs.replace(settings, **{field.name: built})
        sources[field.name] = source
    rules.check(settings, lambda path: f"{sources.get(path[0], DEFAULT)}: ")
    return Effective(settings, path, sources, tuple(warnings))


def read_file(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The file's settings and the top-level keys it gives; nothing where it is absent. Raises SetupError."""
    data = read_optional(path)
    if data is None:
        return Settings(), ()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    return read_text(text, str(path))


def read_text(text: str, name: str) -> tuple[Settings, tuple[str, ...]]:
    """The settings in a file's text, and the top-level keys that it gives. Raises SetupError."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{name} is not valid TOML: {error}") from error

    def place(path: tuple[str, ...]) -> str:
        line = line_of(text, path)
        return f"{name}, line {line}: " if line else f"{name}: "

    try:
        upgrade(raw)
    except SetupError as error:
        raise SetupError(place(("version",)) + error.message) from error
    settings = build(Settings, raw, place)
    rules.check(settings, place)
    return settings, tuple(raw)


def _from_environment(
    environment: Mapping[str, str],
) -> tuple[list[tuple[FieldInfo, object, str]], list[str]]:
    known = {PREFIX + field.name.upper(): field for field in fields(Settings) if _fits_variable(field)}
    layers = [
        (field, _words(field, environment[name].strip()), name)
        for name, field in known.items()
        if environment.get(name, "").strip()
    ]
    ours = [*known, *_RESERVED]
    strange = sorted(name for name in environment if name.startswith(PREFIX) and name not in ours)
    return layers, [f"unknown variable {name}; the nearest one is {nearest(name, ours)}" for name in strange]


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[FieldInfo, object, str]]:
    known = {field.name: field for field in fields(Settings) if field.name != "version"}
    for name, value in flags.items():
        if name not in known:
            near = nearest(name, list(known))
            raise SetupError(f"there is no setting `{name}`; the nearest one is `{near}`")
        if value is not None:
            yield known[name], value, "--" + name.replace("_", "-")


def _fits_variable(field: FieldInfo) -> bool:
    """A table does not fit into a variable, and the version belongs to the file."""
    return get_origin(field.type) is not dict and field.name != "version"


def _words(field: FieldInfo, text: str) -> object:
    if field.type is bool:
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else text
    if get_origin(field.type) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text

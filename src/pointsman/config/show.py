"""The effective configuration, to be shown: every value with its source, and nothing that is a key."""

from collections.abc import Iterator, Mapping
from typing import cast

from msgspec import Struct

from pointsman.config.load import Effective
from pointsman.config.shape import dotted
from pointsman.config.urls import without_user

HIDDEN = "…"


class Sourced(Struct, frozen=True):
    """A value, and where it came from: `default`, the file, `POINTSMAN_PORT`, `--port`."""

    value: object
    source: str


def explain(effective: Effective) -> dict[str, Sourced]:
    """Every value by its key as TOML writes it; header values and the user part of URLs are hidden."""
    return {
        dotted(path): Sourced(_masked(path, value), effective.source(path[0]))
        for path, value in _leaves(effective.settings, ())
    }


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Struct):
        table: Mapping[str, object] = {name: getattr(value, name) for name in value.__struct_fields__}
    elif isinstance(value, Mapping) and value:
        table = cast("Mapping[str, object]", value)
    else:
        yield path, value
        return
    for name, inner in table.items():
        yield from _leaves(inner, (*path, name))


def _masked(path: tuple[str, ...], value: object) -> object:
    if path[0] == "backends" and path[2:3] == ("headers",) and value:
        return HIDDEN
    if isinstance(value, str) and "://" in value:
        return without_user(value)
    return value

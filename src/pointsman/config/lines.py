"""Where a key stands in a TOML text: the line for an error message, as well as it can be told."""

import tomllib
from collections.abc import Mapping
from typing import Any, cast

Path = tuple[str, ...]


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) of a key, or of the nearest table around it; None where nothing matches."""
    found: dict[Path, int] = {}
    header: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            header = _path_of(stripped) or header
            _note(found, header, number)
        elif "=" in stripped:
            _note(found, (*header, *_path_of(f"{stripped.split('=')[0]} = 0")), number)
    return next((found[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found), None)


def _note(found: dict[Path, int], path: Path, number: int) -> None:
    """A table that is only implied by a deeper one stands where that one stands."""
    for end in range(1, len(path) + 1):
        if end == len(path) or path[:end] not in found:
            found.setdefault(path[:end], number)


def _path_of(fragment: str) -> Path:
    """The keys that lead into a one-line document; empty for what is none, such as a line inside a string."""
    try:
        table: object = tomllib.loads(fragment)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(table, Mapping) and len(cast("Mapping[str, Any]", table)) == 1:
        name, table = next(iter(cast("Mapping[str, Any]", table).items()))
        path.append(name)
    return tuple(path)

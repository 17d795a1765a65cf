"""The base URLs that a client's settings file holds. Nothing else of the file is looked at."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pointsman.canon.json import Json

MOST = 1024 * 1024
"""Bytes of a settings file."""
_COMMENTS = re.compile(r"^\s*//.*$", re.MULTILINE)


def addresses(file: Path, keys: tuple[str, ...]) -> list[str]:
    """What stands at the keys, in the file's order; nothing for a file that is not there or not readable."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST).decode("utf-8-sig")
        return [each for each in _values(file.suffix, text, keys) if each]
    except (OSError, ValueError, RecursionError):
        return []  # a broken file is its client's affair


def _values(suffix: str, text: str, keys: tuple[str, ...]) -> Iterator[str]:
    """Raises ValueError."""
    if suffix in {".yml", ".yaml"}:
        for key in keys:
            lines = re.findall(rf"^[ \t-]*{re.escape(key)}[ \t]*:[ \t]*(\S+)[ \t]*$", text, re.MULTILINE)
            yield from (line.strip("\"'") for line in lines)
        return
    tree: Json = tomllib.loads(text) if suffix == ".toml" else json.loads(_COMMENTS.sub("", text))
    for key in keys:
        yield from _at(tree, tuple(key.split(".")))


def _at(tree: object, path: tuple[str, ...]) -> Iterator[str]:
    if not path:
        if isinstance(tree, str):
            yield tree
        return
    if isinstance(tree, list):
        items = dict(enumerate(cast("list[object]", tree)))
        inner = list(items.values()) if path[0] == "*" else []
    elif isinstance(tree, dict):
        table = cast("dict[str, object]", tree)
        inner = list(table.values()) if path[0] == "*" else [table.get(path[0])]
    else:
        return
    for each in inner:
        yield from _at(each, path[1:])

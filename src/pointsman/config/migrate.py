"""Older versions of the file's format, brought up to this one; the old file stays as a backup."""

import tomllib
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, cast

from pointsman.canon.errors import SetupError
from pointsman.config.schema import VERSION
from pointsman.store.files import free_name, read_optional, write_private

Document = MutableMapping[str, Any]
"""Plain tables, or tomlkit's, which keep the comments."""


def _mark(document: Document) -> None:
    """0 → 1: a file without `version` is like version 1, but does not say so."""
    document["version"] = 1


STEPS: tuple[Callable[[Document], None], ...] = (_mark,)
"""The step at index N leads from version N to version N + 1."""


def version_of(document: Document) -> int:
    """The version of a file's format. Raises SetupError for one that this pointsman does not know."""
    version: object = document.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int) or version < 0:
        raise SetupError(f"`version` is not as it must be: expected {VERSION}")
    if version > VERSION:
        raise SetupError(
            f"it has `version = {version}`, written by a newer pointsman; this one reads up to "
            f"{VERSION}: update it"
        )
    return version


def upgrade(document: Document) -> bool:
    """Brings a document to the present version, in place; says whether it had to. Raises SetupError."""
    steps = STEPS[version_of(document) :]
    for step in steps:
        step(document)
    return bool(steps)


def back_up(path: Path, data: bytes, version: int) -> Path:
    """Keeps an older file's content beside it; where. Raises SetupError."""
    backup = free_name(path, f"v{version}")
    write_private(backup, data)
    return backup


def is_older(path: Path) -> bool:
    """Whether a file is there, in an older format. Raises SetupError."""
    data = read_optional(path)
    return data is not None and _version_in(path, data) < VERSION


def migrate_file(path: Path) -> Path | None:
    """Rewrites an older file, its comments kept; where the backup is, or None if nothing was to do.

    Whoever calls it holds the file's lock. Raises SetupError; the file is then unchanged.
    """
    data = read_optional(path)
    if data is None or (version := _version_in(path, data)) == VERSION:
        return None
    import tomlkit  # noqa: PLC0415  # only for files that change

    document = tomlkit.parse(data.decode("utf-8-sig"))
    upgrade(cast("Document", document))
    backup = back_up(path, data, version)
    write_private(path, tomlkit.dumps(document).encode())
    return backup


def _version_in(path: Path, data: bytes) -> int:
    try:
        return version_of(tomllib.loads(data.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not a TOML file: {error}") from error

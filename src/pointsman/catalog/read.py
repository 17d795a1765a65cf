"""Reads the catalog's TOML text into rows; which file it came from is the caller's business."""

import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from pointsman.canon.errors import SetupError
from pointsman.canon.traits import Traits
from pointsman.catalog.beta import Beta
from pointsman.catalog.client import Client
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider

Row = TypeVar("Row", Provider, Profile, Client, Beta)


def providers(text: str) -> dict[str, Provider]:
    """The rows of `providers.toml`, in file order. Raises SetupError, naming the row."""
    rows = _rows(text, Provider)
    for row in rows.values():
        _check_traits(row.name, row.traits, *row.dialect_traits.values())
    return rows


def profiles(text: str) -> tuple[Profile, ...]:
    """The rows of `profiles.toml`, in file order: later ones stand above earlier ones. Raises SetupError."""
    rows = _rows(text, Profile)
    for row in rows.values():
        _check_traits(row.name, row.traits, *row.dialect_traits.values())
    return tuple(rows.values())


def clients(text: str) -> dict[str, Client]:
    """The rows of `clients.toml`, in file order. Raises SetupError, naming the row."""
    return _rows(text, Client)


def betas(text: str) -> tuple[Beta, ...]:
    """The rows of `betas.toml`. Raises SetupError, naming the row."""
    return tuple(_rows(text, Beta).values())


def _rows(text: str, kind: type[Row]) -> dict[str, Row]:
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"the catalog is not TOML: {error}") from error
    return {name: _row(name, table, kind) for name, table in tables.items()}


def _row(name: str, table: Any, kind: type[Row]) -> Row:
    try:
        return msgspec.convert({"name": name, **table}, kind)
    except (msgspec.ValidationError, TypeError) as error:
        raise SetupError(f"the catalog's row `{name}` is not a {kind.__name__}: {error}") from error


def _check_traits(name: str, *layers: Mapping[str, Any]) -> None:
    for layer in layers:
        try:
            msgspec.convert(layer, Traits)
        except msgspec.ValidationError as error:
            raise SetupError(f"the catalog's row `{name}` has a wrong trait: {error}") from error

"""Header fields: their type, and which of them cross a gateway."""

from collections.abc import Iterable
from typing import TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order; names in lower case."""


def first(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of the first field called `name` (lower case)."""
    return next((value for key, value in headers if key == name), None)

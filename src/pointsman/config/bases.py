"""Base URLs by dialect: a provider's own, or what a user's URL means for each dialect that is spoken there.

A user gives one URL. For OpenAI's kind of dialect it ends in the version (`/v1`); for Anthropic's and
Gemini's it is the part before it, and a URL that has it is taken too. Where several dialects share a root,
the URL may be that root, or the base of any one of them.
"""

import re
from collections.abc import Mapping

from pointsman.catalog.provider import Provider, Speaks
from pointsman.config.urls import split, tidy

_VERSION = re.compile(r"/v1(beta)?$")
_ANY_VERSION = re.compile(r"/v\d+\w*$")
ENGINE_ROOT = "http://localhost"
"""Stands in the URLs of requests to the engine inside pointsman, which never leave it."""


class Kinds:
    """What the compatible rows say of dialects in general: whether a base URL ends in the version."""

    def __init__(self, rows: Mapping[str, Provider]) -> None:
        self.general: dict[str, Speaks] = {}
        for row in rows.values():
            if row.compatible:
                self.general.update(row.dialects)

    def versioned(self, dialect: str) -> bool:
        """Whether the dialect's base URL holds the version, as OpenAI's does."""
        speaks = self.general.get(dialect)
        return speaks is not None and _VERSION.search(speaks.base) is not None


def bases(row: Provider, kinds: Kinds, base_url: str | None) -> dict[str, str]:
    """The URL before each dialect's own paths, for all dialects of the row. Raises UrlError.

    Without `base_url` the row must have a root or be the engine.
    """
    root = tidy(row.root) if row.root else ENGINE_ROOT
    url = root if base_url is None else tidy(base_url)
    if url == root or not split(url).path:
        return {dialect: url + speaks.base for dialect, speaks in row.dialects.items()}
    return {dialect: _base(row, kinds, url, dialect) for dialect in row.dialects}


def _base(row: Provider, kinds: Kinds, url: str, dialect: str) -> str:
    own = row.dialects[dialect].base
    versioned = kinds.versioned(dialect) or bool(_VERSION.search(own))
    stem = url if versioned else _VERSION.sub("", url)
    root = _root(row, url, dialect)
    if own and stem.endswith(own) and (root is None or len(root) >= len(stem) - len(own)):
        return stem
    if root is not None:
        return root + own
    if len(row.dialects) == 1 or (versioned and _ANY_VERSION.search(url)):
        return stem
    return _VERSION.sub("", url) + own


def _root(row: Provider, url: str, dialect: str) -> str | None:
    """What is left of a URL that is the base of another of the row's dialects; None if it is none's."""
    others = {speaks.base for name, speaks in row.dialects.items() if name != dialect and speaks.base}
    forms = sorted((base + tail for base in others for tail in ("", "/v1")), key=len, reverse=True)
    return next((url.removesuffix(form) for form in forms if url.endswith(form)), None)

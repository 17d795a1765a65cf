"""Shortcuts: `opus`, `sonnet-1m`: the newest model of a family in a live catalog; and the mark `[1m]`."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from pointsman.catalog.lookup import bare_name
from pointsman.routing.snapshot import Model

LONG_CONTEXT = 1_000_000
"""Tokens; what a shortcut's `1m` asks for."""

_LONG_SUFFIX = re.compile(r"(?:(?:\[1m\]){1,4}|[-_ ]?1m)$", re.IGNORECASE)
_MARK = re.compile(r"(?:\[1m\]){1,4}$", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def family_pattern(families: Mapping[str, str], name: str) -> str | None:
    """The glob pattern of the family that a shortcut names; None if it names none."""
    return families.get(_LONG_SUFFIX.sub("", name).lower())


def wants_long_context(name: str) -> bool:
    """Whether a shortcut ends in `1m`."""
    return _LONG_SUFFIX.search(name) is not None


def without_mark(name: str) -> str:
    """A model's name without `[1m]`, by which Claude Code is told of a long context window.

    It takes the mark off before it sends a name (code.claude.com, "Model configuration"), save in some
    requests (Wei-Shaw/sub2api#4505), once or twice; the API has no such model. No beta header stands for it:
    models with such a window have it without one, and the client's own `anthropic-beta` is passed on.
    """
    return _MARK.sub("", name) or name


def newest(models: Iterable[Model], pattern: str, *, long_context: bool = False) -> Model | None:
    """The newest model whose id, without a vendor's prefix, matches.

    With `long_context`, one that takes a million tokens goes first.
    """
    found = [model for model in models if fnmatchcase(bare_name(model.id), pattern)]
    return max(found, key=lambda model: _age_key(model, long_context=long_context), default=None)


def _age_key(model: Model, *, long_context: bool) -> tuple[bool, int, tuple[int, ...], int]:
    fits = long_context and (model.context_window or 0) >= LONG_CONTEXT
    # An id without a date outranks the dated snapshot of the same version: it is the provider's own alias.
    return fits, model.created or 0, tuple(map(int, _NUMBER.findall(model.id))), -len(model.id)

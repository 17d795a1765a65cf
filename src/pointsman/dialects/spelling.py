"""What an original says otherwise than its rebuilt form: odd spellings cost one field, not one form each."""

from collections.abc import Container
from typing import Any

from pointsman.canon.blocks import SPELLING
from pointsman.canon.json import Json
from pointsman.wire.json import encode


def unlike(original: Json, rebuilt: Json) -> dict[str, Any]:
    """The members of `original` that `rebuilt` does not say in the very same way.

    Laid over `rebuilt`, they give `original` back.
    """
    return {
        key: value for key, value in original.items() if key not in rebuilt or not _same(rebuilt[key], value)
    }


def apart(original: Json, rebuilt: Json, known: Container[str] = ()) -> dict[str, Any]:
    """The same as an `extra`: what `rebuilt` or `known` names is an odd spelling, the rest is unknown."""
    extra: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for key, value in unlike(original, rebuilt).items():
        (odd if key in rebuilt or key in known else extra)[key] = value
    return {**extra, SPELLING: odd} if odd else extra


def _same(one: Any, other: Any) -> bool:
    """Whether both are the same JSON; in Python 1, 1.0 and True are equal."""
    if one is other:
        return True
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one == other and encode(one) == encode(other)

"""Opaque state in reasoning items: `encrypted_content` holds the provider's own, or an envelope of another's.

An envelope says beside the state what it belongs to, since clients keep nothing else of an item for sure:
whether the thinking was redacted, or which call was signed. An empty one marks thinking that nobody signed,
which no upstream of this dialect can take back.
"""

from typing import cast

from msgspec import Struct

from pointsman.canon.blocks import SPELLING, Native
from pointsman.canon.json import Json
from pointsman.wire.envelope import seal, unseal

UNSIGNED = seal(Native("", "", {}))

_REDACTED: Json = {"redacted": True}


class Opened(Struct, frozen=True):
    """What an envelope held."""

    native: Native | None
    redacted: bool = False
    call_id: str | None = None
    """The call that the state signs; None for thinking."""


def seal_thinking(native: Native | None, *, redacted: bool) -> str:
    """The envelope for a block of thinking."""
    if native is None:
        return UNSIGNED
    return _sealed(native, _REDACTED) if redacted else seal(native)


def seal_call(native: Native, call_id: str) -> str:
    """The envelope for what a provider attached to a call."""
    return _sealed(native, {"call": call_id})


def open_envelope(text: object) -> Opened | None:
    """The content of an envelope; None for any other value."""
    native = unseal(text) if isinstance(text, str) else None
    if native is None:
        return None
    if not native.dialect:
        return Opened(None)
    found: object = native.data.get(SPELLING)
    if not isinstance(found, dict):
        return Opened(native)
    mark = cast("Json", found)
    data = {key: value for key, value in native.data.items() if key != SPELLING}
    call_id: object = mark.get("call")
    bare = Native(native.dialect, native.issuer, data)
    return Opened(bare, "redacted" in mark, call_id if isinstance(call_id, str) else None)


def _sealed(native: Native, mark: Json) -> str:
    return seal(Native(native.dialect, native.issuer, {**native.data, SPELLING: mark}))

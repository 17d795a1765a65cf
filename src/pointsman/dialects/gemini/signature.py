"""Thought signatures: opaque state that may sit on any part.

The member is bytes: Google's SDKs decode its base64 and write it anew, some in the URL-safe alphabet. So
another dialect's state goes out as base64 of its envelope. The envelope's prefix has a length that is a
multiple of three, so both alphabets spell its beginning alike, and a relay sees it without decoding
anything.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from pointsman.canon.blocks import SPELLING, Native
from pointsman.canon.json import Json
from pointsman.dialects.gemini.spelling import snake
from pointsman.dialects.gemini.words import NAME, SIGNATURE
from pointsman.wire.envelope import PREFIX, seal, unseal

SEALED = b64encode(PREFIX.encode()).decode()
"""How the base64 of every envelope begins."""

ON_PART = "part"
"""The place of a signature that sat on the part before it: text, a picture."""
ALONE = "empty"
"""The place of a signature that sat on an empty text part."""

_REDACTED = "redacted"
UNSIGNED: Json = {SIGNATURE: b64encode(seal(Native("", "", {})).encode()).decode()}
"""The member that ends a thought which nobody signed, where another thought follows it."""
_TO_STANDARD = str.maketrans("-_", "+/")


def standard(text: str) -> str:
    """Base64 in the standard alphabet."""
    return text.translate(_TO_STANDARD) if "-" in text or "_" in text else text


def take_signature(part: dict[str, Any]) -> dict[str, str]:
    """The member that holds a part's signature, taken out; empty where there is none."""
    for key in (SIGNATURE, snake(SIGNATURE)):
        value = part.get(key)
        if isinstance(value, str) and value:
            del part[key]
            return {key: value}
    return {}


def native_of(member: Json, issuer: str, place: str = "") -> tuple[Native | None, bool]:
    """(the opaque state in a signature's member, whether it is of redacted thinking)."""
    if not member:
        return None, False
    sealed = _opened(*member.values())
    if sealed is None:
        return Native(NAME, issuer, {**member, SPELLING: place} if place else member), False
    if not sealed.dialect:
        return None, False
    data = {key: each for key, each in sealed.data.items() if key != SPELLING}
    redacted = sealed.data.get(SPELLING) == _REDACTED
    return Native(sealed.dialect, sealed.issuer, data), redacted


def place_of(native: Native | None) -> str:
    """Where a signature of this dialect sat, if not on a thought or a call."""
    found = None if native is None else native.data.get(SPELLING)
    return found if isinstance(found, str) else ""


def signature_member(native: Native | None, *, redacted: bool = False) -> dict[str, Any]:
    """The member for a client: the dialect's own signature, or another's state in an envelope."""
    if native is None:
        return {}
    if native.dialect == NAME:
        return {key: value for key, value in native.data.items() if key != SPELLING}
    kept = Native(native.dialect, native.issuer, {**native.data, SPELLING: _REDACTED}) if redacted else native
    return {SIGNATURE: b64encode(seal(kept).encode()).decode()}


def _opened(value: str) -> Native | None:
    """The state in an envelope; None for any other signature."""
    if not value.startswith(SEALED):
        return None
    text = standard(value)
    try:
        return unseal(b64decode(text + "=" * (-len(text) % 4), validate=True).decode())
    except (Base64Error, ValueError):
        return None

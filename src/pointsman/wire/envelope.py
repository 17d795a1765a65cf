"""Opaque state in another dialect's opaque slot: one string that names its dialect and issuer.

The form is `pointsman.1.<dialect>.<issuer>.<data>`, the data being URL-safe base64 of its JSON, without
padding. The prefix lets a relay see that a body holds such a string without decoding it.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from pointsman.canon.blocks import Native
from pointsman.canon.json import Json
from pointsman.wire.json import encode

PREFIX = "pointsman.1."


def seal(native: Native) -> str:
    """The opaque state as one string."""
    data = urlsafe_b64encode(encode(native.data)).rstrip(b"=").decode()
    issuer = urlsafe_b64encode(native.issuer.encode()).rstrip(b"=").decode()
    return f"{PREFIX}{native.dialect}.{issuer}.{data}"


def unseal(text: str) -> Native | None:
    """The opaque state in a string that `seal` made; None for any other string, damaged ones too."""
    if not text.startswith(PREFIX):
        return None
    parts = text[len(PREFIX) :].split(".")
    if len(parts) != 3:
        return None
    try:
        issuer = _decode(parts[1]).decode()
        data = msgspec.json.decode(_decode(parts[2]), type=dict[str, object])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return Native(parts[0], issuer, _as_json(data))


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _as_json(data: dict[str, object]) -> Json:
    return data

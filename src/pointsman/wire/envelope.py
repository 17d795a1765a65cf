"""Opaque state in another dialect's opaque slot: one string that names its dialect and issuer.

The form is `pointsman.1.<dialect>.<issuer>.<data>`, the data being URL-safe base64 of its JSON, without
padding. The prefix lets a relay see that a body holds such a string without decoding it.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, cast

import msgspec

from pointsman.canon.blocks import Native
from pointsman.canon.json import Json
from pointsman.wire.number import Number, as_written

PREFIX = "pointsman.1."
_encoder = msgspec.json.Encoder(enc_hook=as_written)
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Number)


def seal(native: Native) -> str:
    """The opaque state as one string."""
    data = urlsafe_b64encode(_written(native.data)).rstrip(b"=").decode()
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
        data = _read(_decode(parts[2]))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return None if data is None else Native(parts[0], issuer, data)


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _written(data: Json) -> bytes:
    """JSON, in which half a surrogate pair is an escape: what is opaque stays as it is."""
    try:
        return _encoder.encode(data)
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":")).encode()


def _read(data: bytes) -> Json | None:
    """The object; None for anything else."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        value = json.loads(data)
    return cast("Json", value) if isinstance(value, dict) else None

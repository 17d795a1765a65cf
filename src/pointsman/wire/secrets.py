"""Credentials taken out of what is shown, logged or passed on."""

import re
from collections.abc import Iterable
from typing import overload

MASK = "…"


@overload
def mask(data: str, secrets: Iterable[str]) -> str: ...
@overload
def mask(data: bytes, secrets: Iterable[str]) -> bytes: ...
def mask(data: str | bytes, secrets: Iterable[str]) -> str | bytes:
    """`data` with each of `secrets` made `…`, however its characters are spelled.

    Each character may stand as it is, percent-encoded, or as a JSON escape; nothing of a secret is kept.
    """
    longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    if not longest_first:
        return data
    pattern = "|".join("".join(map(_spellings, secret)) for secret in longest_first)
    if isinstance(data, str):
        return re.sub(pattern, MASK, data)
    return re.sub(pattern.encode(), MASK.encode(), data)


def _spellings(character: str) -> str:
    """A pattern for one character in each of its spellings."""
    # JSON inside JSON doubles the backslashes of its escapes.
    plain = (r"\\{0,3}" if character in '"\\/' else "") + re.escape(character)
    percent = "".join(f"%{byte:02x}" for byte in character.encode())
    units = character.encode("utf-16-be").hex()
    escape = "".join(rf"\\{{1,3}}u{units[start : start + 4]}" for start in range(0, len(units), 4))
    return f"(?:(?i:{percent}|{escape})|{plain})"

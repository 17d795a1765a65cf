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


_ESCAPE = re.compile(r"\\+u00([0-7][0-9a-fA-F])|%([0-7][0-9a-fA-F])")
_HEAD = 5
"""Characters of a secret that an escape may seem to end in which has begun before it."""
_SHORT = 16


def mask_many(text: str, secrets: Iterable[str]) -> str:
    """As `mask`, where there are many secrets of which few or none stand in the text."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text).replace("\\", "")
    return mask(text, [secret for secret in secrets if _may_stand(secret, plain)])


def _may_stand(secret: str, plain: str) -> bool:
    """Whether to look for a secret closely; always for one that looks like an escape itself."""
    odd = len(secret) < _SHORT or not secret.isascii() or "%" in secret or "\\" in secret
    return odd or secret[_HEAD:] in plain


_KEYS = (
    r"\b(?:sk|pk|rk|gsk|xai|pplx|hf|r8|nvapi|ghp|gho|ghu|ghs|ghr|github_pat|glpat|csk|fw|tgp|pm|xox[a-z])"
    r"[-_][A-Za-z0-9_\-]{8,}"
)
_SPELLED = (
    r"\b(?:(?:sk|pk|rk)[-_]|(?:xai|pplx|nvapi|glpat|csk|pm|xox[a-z])-|"
    r"(?:gsk|hf|r8|ghp|gho|ghu|ghs|ghr|github_pat|fw|tgp)_)[A-Za-z0-9_\-]{8,}"
)
"""As their providers spell them: `hf-internal-testing` is nobody's key, but whose models somebody may ask."""
_CLOUDS = r"\bAIza[A-Za-z0-9_\-]{20,}|\bya29\.[A-Za-z0-9_.\-]{10,}|\b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{12,}"
_TOKENS = r"\beyJ[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*){0,4}"
_PRIVATE = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}-----)?"
_HEADERS = r"(?i:\b(?:bearer|basic)) +[A-Za-z0-9._~+/\-]{8,}=*"
_NAMES = (
    r"api[_-]?key|x-api-key|x-goog-api-key|authorization|proxy-authorization|access[_-]?token|"
    r"refresh[_-]?token|id[_-]?token|auth[_-]?token|client[_-]?secret|secret(?:[_-]?access)?[_-]?key|"
    r"password|passwd|secret|cookie"
)
_MEMBERS = rf"(?i:(?P<before>(?:{_NAMES})\\{{0,3}}[\"']?\s{{0,8}}[:=]\s{{0,8}}\\{{0,3}}[\"']?))"
_VALUE = r"(?P<value>[^\s\"'\\,;&}{)(<>]{6,})"
_FORMS = re.compile("|".join((_SPELLED, _CLOUDS, _TOKENS)))
_ALIKE = re.compile("|".join((_PRIVATE, _HEADERS, _KEYS, _CLOUDS, _TOKENS)))
_NAMED = re.compile(_MEMBERS + _VALUE)


def mask_alike(text: str) -> str:
    """`text` with everything made `…` that looks like a credential, whosesoever it is.

    By the forms that providers give their keys, and by the name that stands before a value. It takes away
    too much rather than too little.
    """
    return _NAMED.sub(lambda found: found["before"] + MASK, _ALIKE.sub(MASK, text))


SHORTEST = 20
"""Characters of a name in which a key could stand."""


def mask_forms(text: str) -> str:
    """`text` with every key made `…` that a provider's form tells; for names and for words of our own.

    Where a name stands before a value, as in `Authorization: Bearer`, that alone hides nothing.
    """
    return text if len(text) < SHORTEST else _FORMS.sub(MASK, text)

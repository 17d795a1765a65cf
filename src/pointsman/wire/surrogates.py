"""Halves of a UTF-16 surrogate pair: JSON can spell one alone (`"\\ud83d"`), UTF-8 cannot carry it."""

import re

_HALF = re.compile("[\ud800-\udfff]")
_HIGH = re.compile("[\ud800-\udbff]\\Z")
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)


def join_surrogates(text: str) -> str:
    """`text` with halves that stand side by side made one character, and any other half made U+FFFD."""
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def mend_escapes(body: bytes) -> bytes:
    """JSON with each escaped half that stands alone made an escaped U+FFFD; its length stays."""
    return _ESCAPE.sub(_mended, body)


def _mended(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape["half"] else escape[0]


class SurrogateJoiner:
    """Joins the pairs that were cut between two deltas of one text."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The text that is whole by now; half a pair at its end waits for the next delta."""
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = text[-1] if _HIGH.search(text) else ""
        return join_surrogates(text.removesuffix(self._held))

    def close(self) -> str:
        """What still waits: U+FFFD, or nothing."""
        held, self._held = self._held, ""
        return join_surrogates(held)

"""Server-sent events: bytes to frames, whichever way the bytes are cut.

Follows the event stream format of the WHATWG HTML standard, section 9.2: lines end in LF, CR or CRLF; a
blank line ends a frame; a leading byte order mark and lines that begin with a colon are passed over.
"""

import re

from msgspec import Struct

from pointsman.canon.errors import GarbledError

MAX_FRAME = 16 * 1024 * 1024
"""Bytes of one frame; a larger one is an upstream gone wrong."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


class Frame(Struct, frozen=True):
    """One event: its name (empty if none was given) and its data, lines joined by LF."""

    event: str
    data: bytes


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max = max_frame
        self._rest = b""
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0
        self._started = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises GarbledError for a frame over the limit."""
        raise NotImplementedError

    def close(self) -> list[Frame]:
        """The frame whose closing blank line was left out, if there is one."""
        raise NotImplementedError


def frame(data: bytes, event: str = "") -> bytes:
    """One frame on the wire; `data` holds no line break."""
    if event:
        return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that clients pass over; keeps a connection alive."""
    return b": " + text.encode() + b"\n\n"

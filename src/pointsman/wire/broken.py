"""A stream that broke within a frame: what to add so that whoever reads on sees an error, not broken JSON.

A blank line would complete the broken frame, and clients read its data before they come to the error that
follows. What went out cannot be taken back, but the frame can be finished as the error itself: whatever is
open is closed, and the error's members come last, as readers of JSON let the last of two members with one
name stand; a second `event` line takes the place of the first (WHATWG HTML, section 9.2.6).
"""

import re
from itertools import product

from pointsman.canon.errors import MalformedError
from pointsman.wire.json import decode_part
from pointsman.wire.sse import FrameReader

LONGEST = 256 * 1024
"""Bytes of a broken frame that is finished; of a longer one too much would have to be read anew."""

_DATA = b"data:"
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[{\]}]', re.DOTALL)
_CLOSERS = {ord("{"): ord("}"), ord("["): ord("]")}
_IN_STRING = tuple(
    escape + end for end in (b'"', b'":0') for escape in (b"", b"\\", b"0", b"00", b"000", b"0000")
)
"""What ends a value or a name, also within an escape."""
_BETWEEN = (
    *(b"", b"0", b":0", b'"":0'),
    *(b"rue", b"ue", b"e", b"alse", b"lse", b"se", b"ull", b"ll", b"l"),
)
"""What may be missing after a mark, in a number, or of a word."""
_REST_OF_CHARACTER = tuple(first + b"\x80" * more for more in range(3) for first in (b"\x80", b"\xbf"))


def finish_frame(received: bytes, error_frame: bytes) -> bytes:
    """What makes the frame that `received` breaks off in the error of `error_frame`; its end is not in it.

    Empty where no frame has begun or nothing is missing but its end, and where it cannot be mended.
    """
    if len(received) > LONGEST:
        return b""
    reader = FrameReader()
    reader.feed(received)
    event, data, line = reader.rest()
    error = reader.feed(b"\n\n" + error_frame)[-1]
    named = b"\nevent: " + error.event.encode() if error.event else b""
    if line.startswith(_DATA):
        ending = _finish([*data, line.removeprefix(_DATA).removeprefix(b" ")], error.data)
        return ending + named if ending else b""
    if data:
        ending = _finish(data, error.data)
        return b"\n" * bool(line) + _DATA + ending + named if ending else b""
    if line and _DATA.startswith(line):
        return _DATA.removeprefix(line) + error.data + named
    if event or (line and not line.startswith(b":")):
        return b"\n" * bool(line) + error_frame.rstrip(b"\n")
    return b""


def _finish(lines: list[bytes], error: bytes) -> bytes:
    text = b"\n".join(lines)
    return finish_object(text, error) if text.strip() else error


def finish_object(text: bytes, last: bytes) -> bytes:
    """What makes `text`, the beginning of a JSON object, a whole one whose last members are those of `last`.

    Empty where `text` is no such beginning.
    """
    marks, in_string = _open_marks(text)
    if marks[:1] != b"{":
        return b""
    closers = bytes(_CLOSERS[mark] for mark in reversed(marks[1:]))
    members = last.strip().removeprefix(b"{")
    missing = _IN_STRING if in_string else _BETWEEN
    for character, filling, comma in product(_rest_of_character(text), missing, (b",", b"")):
        ending = character + filling + closers + comma + members
        try:
            decode_part(text + ending)
        except MalformedError:
            continue
        return ending
    return b""


def _open_marks(text: bytes) -> tuple[bytes, bool]:
    """The brackets that are open at the end of `text`, and whether it ends within a string."""
    marks = bytearray()
    for token in _TOKEN.finditer(text):
        if token[0] == b'"':
            return bytes(marks), True
        if token[0] in (b"[", b"{"):
            marks += token[0]
        elif token[0] in (b"]", b"}"):
            del marks[-1:]
    return bytes(marks), False


def _rest_of_character(text: bytes) -> tuple[bytes, ...]:
    """What may end the character within which `text` ends; nothing if it ends with a whole one."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return _REST_OF_CHARACTER if error.end == len(text) else (b"",)
    return (b"",)

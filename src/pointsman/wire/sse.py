"""Server-sent events: bytes to frames, whichever way the bytes are cut.

Follows the event stream format of the WHATWG HTML standard, section 9.2: lines end in LF, CR or CRLF; a
blank line ends a frame; a leading byte order mark, comments, `id` and `retry` are passed over.

States of a reader: what stands before the first line (`_opening`, for the byte order mark), the line that
is not complete (`_line`), and the frame that is not complete (`_event`, `_data`). Line ends become LF as the
bytes come in, so that only `_unify` knows of the other two. Each byte is looked at a fixed number of times.
"""

from msgspec import Struct

from pointsman.canon.errors import GarbledError

MAX_FRAME = 16 * 1024 * 1024
"""Bytes of one frame; a larger one is an upstream gone wrong."""

OVERSIZE = b"a frame that is too large to be read"
"""The data of a frame that was passed over; no JSON."""

_BOM = b"\xef\xbb\xbf"


class Frame(Struct, frozen=True, gc=False):
    """One event: its name (empty if none was given) and its data, lines joined by LF; never empty."""

    event: str
    data: bytes


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self, max_frame: int = MAX_FRAME, *, lenient: bool = False) -> None:
        """`lenient`: a frame over the limit is passed over, and `OVERSIZE` stands for its data."""
        self._max = max_frame
        self._lenient = lenient
        self._passing = False
        """Whether the frame at hand is being passed over."""
        self._opening: bytes | None = b""
        self._after_cr = False
        self._line = bytearray()
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises GarbledError for one over the limit, unless lenient."""
        if self._opening is not None:
            data = self._open(data)
        if self._after_cr or b"\r" in data:
            data = self._unify(data)
        if b"\n" not in data:
            self._line += data
            self._check_line()
            return []
        if self._line:
            data = bytes(self._line) + data
            self._line.clear()
        lines = data.split(b"\n")
        self._line += lines.pop()
        frames = self._read(lines)
        self._check_line()
        return frames

    def close(self) -> list[Frame]:
        """The frame whose closing blank line was left out, if there is one.

        Its last line counts even without an end, so it may be half of what was meant.
        """
        opening, self._opening = self._opening or b"", None
        last = opening + bytes(self._line)
        self._line.clear()
        return self._read([last, b""] if last else [b""])

    def rest(self) -> tuple[str, list[bytes], bytes]:
        """Of the frame that is not complete: its name, its whole lines of data, and the line that is not."""
        return self._event, list(self._data), (self._opening or b"") + bytes(self._line)

    def begun(self) -> bool:
        """Whether part of a frame is there whose end is not; a comment and blanks are none."""
        event, data, line = self.rest()
        return bool(event or data or (line.strip() and not line.startswith(b":")))

    def _open(self, data: bytes) -> bytes:
        """`data` without a byte order mark; nothing while it is open whether there is one."""
        data = (self._opening or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._opening = data
            return b""
        self._opening = None
        return data.removeprefix(_BOM)

    def _unify(self, data: bytes) -> bytes:
        """`data` with every line end as LF."""
        if not data:
            return data
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read(self, lines: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        for line in lines:
            if not line:
                if self._data:
                    self._finish(frames)
                self._event = ""
            elif self._passing or not self._fits(len(line)):
                continue
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b" ", 5) else line[5:])
                self._size += len(line)
            else:
                self._field(line)
        return frames

    def _finish(self, frames: list[Frame]) -> None:
        """Add the frame that is complete. One without data says nothing in any dialect."""
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if data:
            frames.append(Frame(self._event, data))
        self._data = []
        self._size = 0
        self._passing = False

    def _field(self, line: bytes) -> None:
        """A line other than `data: …`; what is not an event's name is passed over."""
        name, _, value = line.partition(b":")
        if name == b"event":
            self._event = value.removeprefix(b" ").decode(errors="replace")
        elif name == b"data":
            self._data.append(b"")
            self._size += len(line)

    def _check_line(self) -> None:
        if not self._fits(len(self._line)):
            self._line[:] = b":"  # so that what is left of the line is not taken for a blank one

    def _fits(self, more: int) -> bool:
        """Whether the frame may grow by so much. Raises GarbledError if not, unless lenient."""
        if self._size + more <= self._max:
            return True
        if not self._lenient:
            raise GarbledError(
                f"the upstream sent a frame of more than {self._max} bytes, which no answer needs; "
                "it may not be speaking the dialect that it is configured for"
            )
        self._passing = True
        self._data, self._size = [OVERSIZE], 0
        return False


def frame(data: bytes, event: str = "") -> bytes:
    """One frame on the wire; `data` holds no line break, and what would break a line leaves `event`."""
    if not event.isprintable():
        event = "".join(filter(str.isprintable, event))
    if event:
        return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that clients pass over; keeps a connection alive."""
    return b": " + text.encode() + b"\n\n"

"""The passage of a relayed stream: its frames as they go to the client, byte by byte.

Two frames are touched: one that reports an error and repeats a credential of ours loses it, and one within
which the stream breaks is finished. A frame waits only while it is incomplete and may be such an error.
"""

import re
from collections.abc import Callable, Iterator

from pointsman.canon.errors import MalformedError
from pointsman.dialects.dialect import Decoder
from pointsman.gateway.tap import Tap
from pointsman.ledger.trace import Trace
from pointsman.wire.broken import LONGEST, finish_frame
from pointsman.wire.json import decode_part
from pointsman.wire.secrets import mask
from pointsman.wire.sse import Frame, FrameReader
from pointsman.wire.sse import frame as wire_frame

HELD_BYTES = 64 * 1024
"""How much of a frame that may be an error is held back."""
_WORD = b"error"
"""What an error's frame holds in every dialect."""
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_BORDER = re.compile(rb"\n\n|\r\n\r\n|\r\r")


class Passage:
    """One stream's."""

    def __init__(self, secrets: tuple[str, ...], decoder: Callable[[], Decoder]) -> None:
        """`decoder` makes a new one, to look at a single frame."""
        self._secrets = secrets
        self._decoder = decoder
        self._gone: list[bytes] = []
        """What has gone on of the frame that is not complete."""
        self._tail = b""
        """Its last bytes, in which the word may have begun."""
        self._size = 0
        self._held = b""
        """What has come of it beside that."""

    def pass_on(self, chunk: bytes) -> bytes:
        """What may go to the client now."""
        if not self._gone and not self._held and chunk.endswith(_ENDS) and not self._suspects(chunk):
            return chunk
        return self._sift(self._held + chunk)

    def rest(self) -> bytes:
        """What is held still, once nothing more comes."""
        return self._masked(self._held)

    def ending(self, error_frame: bytes) -> bytes:
        """What is held still, and what finishes the frame within which the stream broke as an error."""
        held = self.rest()
        if self._size > LONGEST:
            return held
        return held + finish_frame(b"".join((*self._gone, held)), error_frame)

    def _sift(self, data: bytes) -> bytes:
        done = b""
        border = max(data.rfind(end) + len(end) if end in data else 0 for end in _ENDS)
        if border:
            done, data = self._masked(data[:border]), data[border:]
            self._gone, self._tail, self._size = [], b"", 0
        if data and self._suspects(data) and len(data) <= HELD_BYTES:
            self._held = data
            return done
        self._held = b""
        self._note(data)
        return done + data

    def _suspects(self, data: bytes) -> bool:
        """Whether an error may stand in it; the word may have begun in what has gone."""
        if not self._secrets:
            return False
        return _WORD in data or _WORD in self._tail + data[:4]

    def _note(self, data: bytes) -> None:
        """Keeps what goes on of an incomplete frame, as long as it can be of use."""
        self._size += len(data)
        self._tail = (self._tail + data[-4:])[-4:]
        if self._size > LONGEST:
            # A comment: says that a frame is under way, and nothing of it.
            self._gone = [b":"]
        elif data:
            self._gone.append(data)

    def _masked(self, data: bytes) -> bytes:
        """The frames without our credentials in those that report an error."""
        if not self._suspects(data):
            return data
        before, tail = b"".join(self._gone), self._tail
        frames: list[bytes] = []
        for frame in _frames(data):
            # In this order: looking for a credential in every spelling takes longer than reading the frame.
            told = _WORD in tail + frame and self._reports_error(before + frame)
            frames.append(mask(frame, self._secrets) if told else frame)
            before = tail = b""
        return b"".join(frames)

    def _reports_error(self, data: bytes) -> bool:
        """Whether a frame does: by its name, as the dialect reads it, or for want of anything readable."""
        reader = FrameReader()
        return any(map(self._is_error, (*reader.feed(data), *reader.close())))

    def _is_error(self, frame: Frame) -> bool:
        try:
            decode_part(frame.data)
        except MalformedError:
            return True
        tap = Tap(self._decoder(), Trace("", "", "", 0.0))
        tap.feed(wire_frame(frame.data.replace(b"\n", b" "), frame.event))
        return tap.fault is not None


def _frames(data: bytes) -> Iterator[bytes]:
    """The frames in `data`, each with its end; the last may have none."""
    start = 0
    for border in _BORDER.finditer(data):
        yield data[start : border.end()]
        start = border.end()
    if start < len(data):
        yield data[start:]

"""A stream for clients that ask without `alt=sse`: the same responses, as one JSON array.

Wraps whatever goes out as frames, an error's too: each frame becomes an item.
"""

_FRAME_END = b"\n\n"
_DATA = b"data: "


class ArrayWriter:
    """Frames → the pieces of an array."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, frames: bytes) -> bytes:
        """Whole frames, as items behind those that were written before."""
        written = b""
        for each in frames.split(_FRAME_END):
            if each:
                written += (b",\r\n" if self._begun else b"[") + each.removeprefix(_DATA)
                self._begun = True
        return written

    def close(self) -> bytes:
        """The end of the array, also of one without items."""
        return b"]" if self._begun else b"[]"

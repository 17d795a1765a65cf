"""What is written of a stream: its frames with their numbers, and the items that are whole."""

from typing import Any

from pointsman.wire.json import encode
from pointsman.wire.sse import frame

Wire = dict[str, Any]


class Writer:
    """One answer's."""

    def __init__(self, message_id: str, *, silent: bool = False) -> None:
        """`silent`: nobody reads the frames, only the items that are whole."""
        self._silent = silent
        self._message_id = message_id
        self._items: list[Wire | None] = []
        self.number = 0
        """The next frame's `sequence_number`."""

    def place(self) -> int:
        """An item's place in the output."""
        self._items.append(None)
        return len(self._items) - 1

    def id(self, prefix: str, place: int) -> str:
        """An item's id."""
        return f"{prefix}_{self._message_id}_{place}"

    def output(self) -> list[Wire]:
        """The items that are whole."""
        return [item for item in self._items if item is not None]

    def frame(self, kind: str, members: Wire) -> bytes:
        """One event."""
        if self._silent:
            return b""
        wire = {"type": kind, "sequence_number": self.number, **members}
        self.number += 1
        return frame(encode(wire), kind)

    def piece(self, before: bytes, text: str, after: bytes = b"") -> bytes:
        """One event with a piece of text, of which all else is written already."""
        if self._silent:
            return b""
        written = b'%b%b%b,"sequence_number":%d}\n\n' % (before, encode(text), after, self.number)
        self.number += 1
        return written

    def added(self, place: int, item: Wire) -> bytes:
        """An item begins."""
        return self.frame("response.output_item.added", {"output_index": place, "item": item})

    def done(self, place: int, item: Wire) -> bytes:
        """An item is whole."""
        self._items[place] = item
        return self.frame("response.output_item.done", {"output_index": place, "item": item})


def before_piece(kind: str, members: Wire) -> bytes:
    """The beginning of each event of one kind with a piece of one block, up to the piece."""
    head = encode({"type": kind, **members})[:-1]
    return b"event: " + kind.encode() + b"\ndata: " + head + b',"delta":'

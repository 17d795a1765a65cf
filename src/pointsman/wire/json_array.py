"""One JSON array as a stream of its objects, whichever way the bytes are cut.

States of a reader: before the array, between its items, within an item (`_depth` brackets deep, perhaps
in a string, perhaps behind a backslash), behind the array. Each byte is looked at once, by searches for
the next mark that matters. Several arrays or bare objects that follow one another are read as if they
were one array.
"""

import re

from pointsman.canon.errors import GarbledError
from pointsman.wire.sse import MAX_FRAME

_BRACKET = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_ITEM = re.compile(rb"[^ \t\r\n,]")
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class ArrayReader:
    """Cuts an array into its objects."""

    def __init__(self, max_item: int = MAX_FRAME) -> None:
        self._max = max_item
        self._pieces: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._opened = False
        self.closed = False
        """Whether what was opened has been closed again."""

    def feed(self, data: bytes) -> list[bytes]:
        """The items that `data` completes. Raises GarbledError for what is no array of objects."""
        items: list[bytes] = []
        at = 0
        while at < len(data):
            at = self._within(data, at, items) if self._depth else self._between(data, at)
        return items

    def begun(self) -> bool:
        """Whether an item has begun whose end is not there, or the array is still open."""
        return bool(self._depth) or self._opened

    def _between(self, data: bytes, at: int) -> int:
        """Where the next item begins, or the end of `data`."""
        found = _ITEM.search(data, at)
        if found is None:
            return len(data)
        mark = found[0]
        if mark == b"[" and not self._opened:
            self._opened, self.closed = True, False
        elif mark == b"]" and self._opened:
            self._opened, self.closed = False, True
        elif mark == b"{":
            self._depth = 1
            self._keep(mark)
        else:
            raise GarbledError("the upstream's answer is neither a stream of events nor an array of objects")
        return found.end()

    def _within(self, data: bytes, start: int, items: list[bytes]) -> int:
        """Behind the end of the item, or the end of `data`."""
        at = start
        while self._depth:
            if self._escaped:
                if at >= len(data):
                    break
                self._escaped = False
                at += 1
            found = (_IN_STRING if self._quoted else _BRACKET).search(data, at)
            if found is None:
                at = len(data)
                break
            at = found.end()
            self._mark(data[found.start()])
        self._keep(data[start:at])
        if not self._depth:
            items.append(b"".join(self._pieces))
            self._pieces, self._size = [], 0
            self.closed = self.closed or not self._opened
        return at

    def _mark(self, mark: int) -> None:
        if mark == ord('"'):
            self._quoted = not self._quoted
        elif mark == ord("\\"):
            self._escaped = True
        else:
            self._depth += _STEPS[mark]

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max:
            raise GarbledError(
                f"the upstream sent an item of more than {self._max} bytes, which no answer needs; "
                "it may not be speaking the dialect that it is configured for"
            )
        if piece:
            self._pieces.append(piece)

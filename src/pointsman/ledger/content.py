"""The content of one exchange, held while it runs, where the user wants bodies kept."""

LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are kept."""


class Content:
    """What the client sent, and what it got."""

    __slots__ = ("_pieces", "_size", "coding", "request")

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.coding: str | None = None
        """The content coding of the answer."""
        self._pieces: list[bytes] = []
        self._size = 0

    def note(self, data: bytes) -> None:
        """More of the answer."""
        if self._size < LARGEST:
            self._pieces.append(data[: LARGEST - self._size])
            self._size += len(data)

    @property
    def answer(self) -> bytes:
        """What the client got, as far as it is kept."""
        return b"".join(self._pieces)

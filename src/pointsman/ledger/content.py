"""The content of one exchange, held while it runs, where the user wants bodies kept."""

from pointsman.wire.secrets import mask

LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are kept."""


class Content:
    """What the client sent, and what it got."""

    __slots__ = ("_pieces", "_size", "request", "secrets")

    def __init__(self, request: bytes, secrets: tuple[str, ...] = ()) -> None:
        """`secrets`: what nobody may find in it."""
        self.request = request
        self.secrets = secrets
        self._pieces: list[bytes] = []
        self._size = 0

    def note(self, data: bytes) -> None:
        """More of the answer."""
        if self._size < LARGEST:
            self._pieces.append(data[: LARGEST - self._size])
            self._size += len(data)

    def redacted(self) -> tuple[bytes, bytes]:
        """The request and the answer, without the secrets."""
        answer = b"".join(self._pieces)
        return mask(self.request, self.secrets), mask(answer, self.secrets)

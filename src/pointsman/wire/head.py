"""The head of a message that comes in, as a parser tells of it: its fields, and a bound on all of it."""

MAX_BYTES = 128 * 1024
"""Of a message's target and header fields, trailers included."""


class OversizeError(Exception):
    """More header than anybody sends."""


class Head:
    """One message's; with `begin` the next one's."""

    def __init__(self, most_fields: int) -> None:
        self._most = most_fields
        self.begin()

    def begin(self) -> None:
        """A message begins."""
        self.fields: list[tuple[str, str]] = []
        """Names in lower case."""
        self._count = 0
        self._left = MAX_BYTES
        self._untold = 0
        """Bytes of which nothing was told, as of a field that is not whole, which it may never be."""
        self._told = True

    def field(self, name: bytes, value: bytes) -> None:
        """A field of the head. Raises OversizeError."""
        self._told = True
        self._count += 1
        self._left -= len(name) + len(value)
        if self._left < 0 or self._count > self._most:
            self.take(0)
        self.fields.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))

    def trailer(self, name: bytes, value: bytes) -> None:
        """A field behind the body, which nobody asks for: it is only counted. Raises OversizeError."""
        self._count += 1
        self.take(len(name) + len(value))

    def take(self, size: int) -> None:
        """Counts bytes of the head. Raises OversizeError."""
        self._told = True
        self._left -= size
        if self._left < 0 or self._count > self._most:
            raise OversizeError(f"its header has over {self._most} fields or {MAX_BYTES // 1024} KB")

    def tell(self) -> None:
        """Something else than the head was told of."""
        self._told = True

    def fed(self, size: int) -> None:
        """So many bytes have gone to the parser. Raises OversizeError once it keeps too many to itself."""
        self._untold = 0 if self._told else self._untold + size
        self._told = False
        if self._untold > MAX_BYTES:
            raise OversizeError(f"its header has over {MAX_BYTES // 1024} KB in a piece")

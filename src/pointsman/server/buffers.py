"""Bodies in memory: a bound for each request's, and one for all of them together, whole answers too."""

from typing import Self

from pointsman.canon.errors import BusyError, MalformedError, TooLargeError
from pointsman.server.call import Call


class Buffers:
    """Keeps count of the bytes that all requests hold."""

    def __init__(self, max_body: int, max_total: int) -> None:
        self.max_body = max_body
        self.max_total = max_total
        self.held = 0

    def reserve(self) -> "Reservation":
        """A share that is given back at the end of a `with`."""
        return Reservation(self)


class Reservation:
    """What one request holds, and what has come of its answer where that is held as a whole."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self.size = 0
        self._body = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._buffers.held -= self.size

    def grow(self, count: int) -> None:
        """Takes more for the request's body. Raises TooLargeError, BusyError."""
        if self._body + count > self._buffers.max_body:
            raise too_large(self._buffers.max_body)
        if self._body + count > self._buffers.max_total:
            raise TooLargeError(
                f"the body is larger than {in_units(self._buffers.max_total)}, the limit that "
                "`max_buffered` sets for all requests together"
            )
        self.take(count)
        self._body += count

    def take(self, count: int) -> None:
        """Takes more. Raises BusyError."""
        if self._buffers.held + count > self._buffers.max_total:
            raise BusyError(
                f"the requests and answers in flight hold {in_units(self._buffers.held)} already, and "
                f"`max_buffered` is {in_units(self._buffers.max_total)}; try again in a moment, or ask for "
                "a stream"
            )
        self._buffers.held += count
        self.size += count

    def give_back(self, count: int) -> None:
        """Gives up what is held no longer."""
        self._buffers.held -= count
        self.size -= count


async def read_body(call: Call, declared: str | None, reservation: Reservation, limit: int) -> bytes:
    """The whole body. Raises TooLargeError (at once, if its length says so), BusyError, ClientLeftError."""
    if declared is not None and (not declared.isdigit() or int(declared) > limit):
        raise too_large(limit) if declared.isdigit() else MalformedError("`content-length` is not a number")
    pieces: list[bytes] = []
    while piece := await call.piece():
        reservation.grow(len(piece))
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def too_large(limit: int) -> TooLargeError:
    """The error that names the limit."""
    return TooLargeError(f"the body is larger than {in_units(limit)}, the limit that `max_body` sets")


def in_units(count: int) -> str:
    """A size for people; a small one in its own unit."""
    if count < 1_048_576:
        return f"{count / 1024:.4g} KB" if count >= 1024 else f"{count} bytes"
    return f"{count / 1_048_576:.4g} MB"

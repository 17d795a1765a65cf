"""A lane of a WebSocket: its turns follow each other, and it remembers the latest of them.

Where an upstream has WebSockets itself, the lane has one of its own there.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from pointsman.canon.errors import BusyError
from pointsman.canon.json import Json
from pointsman.dialects.socketed import Turn
from pointsman.server.buffers import Buffers, Reservation
from pointsman.server.turn import TurnClient
from pointsman.upstream.seat import Seat
from pointsman.wire.headers import Headers


class Waiting(Struct, frozen=True):
    """A turn that has come, and the memory that it takes."""

    turn: Turn
    reservation: Reservation


class _Remembered(Struct, frozen=True):
    id: str
    said: Sequence[Json]
    size: int


class Lane:
    """`limit`: bytes of a conversation that is remembered."""

    def __init__(self, name: str | None, buffers: Buffers, headers: Headers) -> None:
        self.name = name
        self.headers = headers
        """Of the handshake in which the client asked for its WebSocket."""
        self._seats: dict[str, Seat] = {}
        self.waiting: deque[Waiting] = deque()
        self.running: TurnClient | None = None
        self.busy = False
        """Whether somebody works through what waits."""
        self._buffers = buffers
        self._remembered: _Remembered | None = None
        self._held: Reservation | None = None

    def recall(self, response_id: str) -> Sequence[Json] | None:
        """Everything that was said up to the latest answer's end, if it is this one."""
        kept = self._remembered
        return kept.said if kept is not None and kept.id == response_id else None

    def keep(self, response_id: str, said: Sequence[Json], size: int) -> None:
        """Remembers it instead of the one before, as far as there is room."""
        before = self._remembered
        grown = size + (before.size if before is not None and said[: len(before.said)] == before.said else 0)
        self.forget()
        if grown > self._buffers.max_body:
            return
        held = self._buffers.reserve()
        with suppress(BusyError):
            held.take(grown)
            self._held, self._remembered = held, _Remembered(response_id, said, grown)

    def forget(self) -> None:
        """Remembers nothing."""
        held, self._held, self._remembered = self._held, None, None
        if held is not None:
            held.give_back(held.size)

    def at(self, backend: str) -> Seat:
        """The lane's own WebSocket to a backend."""
        return self._seats.setdefault(backend, Seat())

    def close(self) -> None:
        """It is used no longer."""
        self.drop()
        for seat in self._seats.values():
            seat.leave()

    def drop(self) -> None:
        """Lets go of what waits, and of what is remembered."""
        while self.waiting:
            reservation = self.waiting.popleft().reservation
            reservation.give_back(reservation.size)
        self.forget()


class LaneMemory:
    """Implements the exchange's `Memory`: a turn may continue the latest answer of any lane."""

    def __init__(self, lane: Lane, lanes: Callable[[], Sequence[Lane]]) -> None:
        self._lane = lane
        self._lanes = lanes

    def recall(self, response_id: str) -> Sequence[Json] | None:
        """Everything that was said up to an answer's end."""
        found = (lane.recall(response_id) for lane in self._lanes())
        return next((said for said in found if said is not None), None)

    def keep(self, response_id: str, said: Sequence[Json], size: int) -> None:
        """Remembers it in the turn's own lane."""
        self._lane.keep(response_id, said, size)

"""A lane of a WebSocket: its turns follow each other, and it remembers the latest of them.

Where an upstream has WebSockets itself, the lane has one of its own there.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from pointsman.canon.errors import BusyError
from pointsman.dialects.socketed import Turn
from pointsman.gateway.exchange import Remembered
from pointsman.server.buffers import Buffers, Reservation
from pointsman.server.turn import TurnClient
from pointsman.upstream.seat import Seat
from pointsman.wire.headers import Headers


class Waiting(Struct, frozen=True):
    """A turn that has come, and the memory that it takes."""

    turn: Turn
    reservation: Reservation


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
        self._latest: str | None = None
        self._remembered: Remembered | None = None
        self._held: Reservation | None = None

    def recall(self, response_id: str) -> Remembered | None:
        """What was said up to the latest answer's end, if it is this one."""
        return self._remembered if self._latest == response_id else None

    def keep(self, response_id: str, remembered: Remembered) -> None:
        """Remembers it instead of the one before, as far as there is room."""
        self.forget()
        if remembered.size > self._buffers.max_body:
            return
        held = self._buffers.reserve()
        with suppress(BusyError):
            held.take(remembered.size)
            self._held, self._latest, self._remembered = held, response_id, remembered

    def evict(self, response_id: object) -> None:
        """Forgets what a turn that failed went on from."""
        if response_id is not None and response_id == self._latest:
            self.forget()

    def forget(self) -> None:
        """Remembers nothing."""
        held, self._held, self._latest, self._remembered = self._held, None, None, None
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

    def recall(self, response_id: str) -> Remembered | None:
        """What was said up to an answer's end."""
        found = (lane.recall(response_id) for lane in self._lanes())
        return next((each for each in found if each is not None), None)

    def keep(self, response_id: str, remembered: Remembered) -> None:
        """Remembers it in the turn's own lane."""
        self._lane.keep(response_id, remembered)

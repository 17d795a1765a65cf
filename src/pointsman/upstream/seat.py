"""A seat: the WebSocket to one backend that belongs to one lane of a client's own, and exchanges over it.

What the upstream remembers on it is worth keeping it for. It is opened by the first exchange; an upstream
that lets nobody have one is asked over HTTP, for good.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from pointsman.canon.errors import StaleError
from pointsman.dialects.socketed import Socketed
from pointsman.upstream import failures
from pointsman.upstream.failures import Circumstances
from pointsman.wire.headers import Headers
from pointsman.wire.sse import frame

EVENT_STREAM: Headers = (("content-type", "text/event-stream"),)
RENEWED = 55 * 60.0
"""Seconds after which a connection is left for a new one; the upstream would end it soon."""


class Line(Protocol):
    """A WebSocket to an upstream."""

    opened_at: float
    busy: bool

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        ...

    async def send(self, message: bytes) -> None:
        """Sends text."""
        ...

    async def receive(self) -> bytes | None:
        """The next message; None once the connection has ended."""
        ...

    def abort(self) -> None:
        """Closes it now."""


class Seat:
    """Belongs to one lane and one backend."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self.key: Headers = ()
        """The credential that it was opened with."""
        self.refused = False
        """Whether the upstream lets nobody have one."""
        self._latest: str | None = None

    def knows(self, response_id: str) -> bool:
        """Whether the upstream remembers an answer here."""
        return self._latest == response_id and self.usable()

    def usable(self) -> bool:
        """Whether the next exchange can go over the connection that is there."""
        line = self.line
        if line is None or line.closed or line.busy:
            return False
        return asyncio.get_running_loop().time() - line.opened_at < RENEWED

    def take(self, line: Line, key: Headers) -> None:
        """A new connection, on which nothing is remembered yet."""
        self.leave()
        self.line, self.key = line, key

    def note(self, response_id: str | None) -> None:
        """What the upstream remembers now."""
        self._latest = response_id

    def leave(self) -> None:
        """Closes the connection."""
        line, self.line, self._latest = self.line, None, None
        if line is not None:
            line.abort()


class Ride(Struct, frozen=True):
    """An exchange that goes over a seat, if the upstream lets it."""

    seat: Seat
    message: bytes
    headers: Headers
    """For the handshake."""
    key: Headers
    """Those among them that carry the credential."""
    continues: str | None
    """The answer that the upstream is to remember."""
    socketed: Socketed
    named: Callable[[bytes], str | None]
    """(last message of an answer) → its id."""


class SocketAnswer:
    """Implements the seam's `Incoming`: messages as frames of an event stream, an error as its status."""

    def __init__(self, line: Line, ride: Ride, about: Circumstances) -> None:
        self.status = 200
        self.headers: Headers = EVENT_STREAM
        self._line = line
        self._ride = ride
        self._about = about
        self._first: bytes | None = None
        self._ended = False

    async def begin(self) -> None:
        """Sends the request and waits for the first message. Raises StaleError, SilenceError."""
        try:
            async with asyncio.timeout(self._about.first_byte):
                await self._line.send(self._ride.message)
                first = await self._line.receive()
        except TimeoutError as error:
            raise failures.no_answer(self._about) from error
        if first is None:
            raise failures.hung_up(self._about, stale=self._about.reused)
        refusal = self._ride.socketed.refusal(first)
        if refusal is None:
            self._first = frame(first.replace(b"\n", b" "))
            self._look(first)
            return
        self._end()
        if refusal.outlived or (refusal.forgotten and self._ride.continues is not None):
            self._ride.seat.leave()
            raise StaleError(
                f"{self._about.host} has let go of what it remembered; the request can be sent again"
            )
        self.status, self.headers, self._first = refusal.status, refusal.headers, refusal.body

    def _look(self, message: bytes) -> None:
        """Whether the answer ends with it."""
        end = self._ride.socketed.ends(message)
        if end is not None:
            self._end()
            self._ride.seat.note(self._ride.named(message) if end == "well" else None)

    def _end(self) -> None:
        self._ended = True
        self._line.busy = False

    async def read(self) -> bytes:
        """The next frame; empty at the end. Raises TruncatedError, SilenceError."""
        first, self._first = self._first, None
        if first is not None:
            return first
        if self._ended:
            return b""
        try:
            async with asyncio.timeout(self._about.idle):
                message = await self._line.receive()
        except TimeoutError as error:
            raise failures.fell_silent(self._about) from error
        if message is None:
            raise failures.broke_off("it closed the connection", self._about)
        self._look(message)
        return frame(message.replace(b"\n", b" "))

    async def close(self) -> None:
        """Ends the exchange; an answer that is not over is stopped by closing the connection."""
        if not self._ended:
            self._ride.seat.leave()

"""A client's connection: calls in, one answered after the other.

What a client may do is bounded: the size of a head, how long it takes, how long a body may pause, how much
waits here unread, how long an answer is not taken.

A client that sends no more has left, as far as anybody can tell: whoever watches for that is told. The
connection stays open for writing until the answer is over, so that one which was at hand still arrives
(`nc -N`, or a script that shuts down its side once it has asked).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, cast

from pointsman.server.http_call import HttpCall
from pointsman.server.intake import End, Intake
from pointsman.server.outlet import FULL, Outlet
from pointsman.upstream.alarm import Alarm
from pointsman.wire.json import encode

KEEP_ALIVE = 75.0
"""Seconds; longer than clients keep an unused connection, so that it is they who close it."""
HEAD_SECONDS = 60.0
"""Within which a request's head must be whole."""
BODY_SECONDS = 300.0
"""The longest pause in a request's body."""
STUCK_SECONDS = 600.0
"""The longest time in which a client takes nothing of an answer that waits for it."""
LINGER_SECONDS = 30.0
"""How long what nobody wants is still taken, so that the client reads the answer first."""
QUEUE = 8
"""Calls that may have come ahead of their turn before no more are read."""
MOST_AHEAD = 256
"""Calls that one reading may bring ahead of their turn; the connection ends after them."""


class Hall(Protocol):
    """Where connections come together."""

    def enter(self, connection: "ClientConnection") -> None:
        """It is open."""

    def leave(self, connection: "ClientConnection") -> None:
        """It is closed."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work in a task of its own."""


class ClientConnection(asyncio.Protocol):
    """One connection; `answer` is what the endpoint does with each call."""

    def __init__(self, answer: Callable[[HttpCall], Awaitable[None]], hall: Hall) -> None:
        self._answer = answer
        self._hall = hall
        loop = asyncio.get_running_loop()
        self._alarm = Alarm(loop, self._too_late)
        self._outlet = Outlet(loop)
        self._intake = Intake(self)
        self._transport: asyncio.Transport | None = None
        self._current: HttpCall | None = None
        """The call that is being answered."""
        self._queue: deque[HttpCall] = deque()
        self._ending = False
        """Whether no further call is taken."""
        self._deaf = False
        """Whether what else comes is thrown away."""
        self._ended = False
        """Whether the client sends no more."""
        self._feed: Callable[[bytes], None] | None = None
        """Takes what comes, where that is no HTTP any longer."""
        self._paused = False
        self._stuck = 0
        """Bytes of an answer that waited when they were last looked at."""
        self.write = self._outlet.write
        self.full = self._outlet.full
        self.room = self._outlet.room

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = self._outlet.transport = cast("asyncio.Transport", transport)
        self._hall.enter(self)
        self._alarm.set(KEEP_ALIVE)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        if self._deaf:
            return
        if self._feed is not None:
            self._feed(data)
            return
        end = self._intake.feed(data)
        if end is not None:
            self._hear_no_more(end)
            return
        coming = self._intake.coming
        if coming is not None:
            if not coming.finished:
                self._alarm.set(BODY_SECONDS)
            coming.wake()
        self._make_room()

    def eof_received(self) -> bool:
        """The client sends no more; whether what is being answered keeps the connection open."""
        self._ended = self._deaf = True
        if self._current is None:
            self.close()
            return False
        self._take_no_more()
        for call in (self._current, *self._queue):
            call.deserted()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._transport = None
        self._alarm.stop()
        self._queue.clear()
        self._outlet.lost()
        self._hall.leave(self)
        if self._current is not None:
            self._current.lost()

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._outlet.hold()
        self._stuck = self._outlet.waiting()
        self._alarm.set(STUCK_SECONDS)

    def resume_writing(self) -> None:
        """It has caught up."""
        self._outlet.go_on()
        if self._current is None:
            self._alarm.set(KEEP_ALIVE)
        else:
            self._alarm.rest()

    # What the intake tells

    def begins(self) -> None:
        """A request begins."""
        if self._current is None:
            self._alarm.set(HEAD_SECONDS)

    def arrives(self, call: HttpCall) -> bool:
        """Its head is whole; whether it is taken."""
        if self._ending:
            return False
        self._alarm.rest()
        if self._current is None:
            self._begin(call)
        elif len(self._queue) < MOST_AHEAD:
            self._queue.append(call)
        else:
            self._take_no_more()
            return False
        return True

    def received(self) -> None:
        """The body of one that was taken is whole."""
        self._alarm.rest()

    def switch(self, feed: Callable[[bytes], None]) -> None:
        """What comes from now on is no HTTP, and is for `feed`."""
        self._take_no_more()
        self._feed = feed

    # Calls

    def _begin(self, call: HttpCall) -> None:
        self._current = call
        self._hall.run(self._serve(call))

    async def _serve(self, call: HttpCall) -> None:
        try:
            await self._answer(call)
        finally:
            self._over(call)

    def _over(self, call: HttpCall) -> None:
        """What comes after an answer: the next call, a wait for one, or the end."""
        self._current = None
        if self._transport is None:
            return
        if not call.finished:
            self.close()
        elif not call.received:
            call.forget()
            self._linger()
        elif self._queue:
            self._begin(self._queue.popleft())
            self._make_room()
        elif not call.lasting or self._ending:
            self.close()
        else:
            self._alarm.set(KEEP_ALIVE)
            self._make_room()

    def _take_no_more(self) -> None:
        """Calls that have come are answered, and the last of them says that it is the last."""
        self._ending = True
        last = self._queue[-1] if self._queue else self._current
        if last is not None:
            last.lasting = False

    def _hear_no_more(self, end: End) -> None:
        """Nothing that comes after this can be read."""
        self._take_no_more()
        self._deaf = True
        coming = self._intake.coming
        if coming is not None:
            coming.garbled = True
            coming.wake()
        elif self._current is None:
            self.write(_refusal(large=end == "oversize"))
            self._linger()

    # How much waits here

    def taken(self) -> None:
        """A part of the request's body has been taken."""
        self._make_room()

    def _make_room(self) -> None:
        coming = self._intake.coming
        self._pause(len(self._queue) > QUEUE or (coming is not None and coming.size > FULL))

    def _pause(self, wanted: bool) -> None:
        if self._transport is None or wanted is self._paused:
            return
        self._paused = wanted
        if wanted:
            self._alarm.rest()
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # The end

    def shutdown(self) -> None:
        """Closes it if nothing is under way, else after the answer that is."""
        self._queue.clear()
        self._take_no_more()
        if self._current is None:
            self.close()
        else:
            self._current.retire()

    def _linger(self) -> None:
        """The answer is over before the request is: what is still on its way is thrown away first.

        To close at once would reset the connection, and take the answer from a client that has not read it.
        """
        self._outlet.flush()
        self._ending = self._deaf = True
        if self._ended or self._transport is None or self._transport.is_closing():
            self.close()
            return
        self._transport.write_eof()
        self._pause(False)
        self._alarm.set(LINGER_SECONDS)

    def close(self) -> None:
        """Closes it once everything has left."""
        self._outlet.flush()
        if self._transport is not None:
            self._transport.close()
            self._stuck = self._outlet.waiting()
            self._alarm.set(STUCK_SECONDS)

    def abort(self) -> None:
        """Closes it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _too_late(self) -> None:
        """A time limit has passed; one for an answer only if the client has taken nothing since."""
        waiting, before = self._outlet.waiting(), self._stuck
        self._stuck = waiting
        if not waiting:
            self.close()
        elif waiting < before:
            self._alarm.set(STUCK_SECONDS)
        else:
            self.abort()


def _refusal(*, large: bool) -> bytes:
    """The answer to what is no request; which dialect it should have been in cannot be known."""
    status = "431 Request Header Fields Too Large" if large else "400 Bad Request"
    words = "the request's header is too large" if large else "the request is not HTTP/1.1"
    body = encode({"error": {"type": "invalid_request_error", "message": words}})
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

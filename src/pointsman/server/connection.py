"""A client's connection: requests in, one call after the other, over httptools' parser.

What a client may do is bounded: the size of a head, how long it takes, how long a body may pause, and how
much waits here unread.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, cast
from urllib.parse import unquote

import httptools

from pointsman.server.http_call import HttpCall
from pointsman.upstream.alarm import Alarm
from pointsman.wire.json import encode

KEEP_ALIVE = 75.0
"""Seconds; longer than clients keep an unused connection, so that it is they who close it."""
HEAD_SECONDS = 60.0
"""Within which a request's head must be whole."""
BODY_SECONDS = 300.0
"""The longest pause in a request's body."""
LINGER_SECONDS = 2.0
"""How long a body that nobody wants is still taken, so that the client reads the answer first."""
QUEUE = 8
"""Calls that may have come ahead of their turn."""
MAX_FIELDS = 200
MAX_HEAD = 128 * 1024
"""Bytes of a request's target and header fields."""
FULL = 64 * 1024
"""Bytes that may wait, of a request's body as of an answer, before somebody has to wait."""


class Hall(Protocol):
    """Where connections come together."""

    def enter(self, connection: "ClientConnection") -> None:
        """It is open."""

    def leave(self, connection: "ClientConnection") -> None:
        """It is closed."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work in a task of its own."""


class BadHeadError(Exception):
    """More header than anybody sends."""


class ClientConnection(asyncio.Protocol):
    """One connection; `answer` is what the endpoint does with each call."""

    def __init__(self, answer: Callable[[HttpCall], Awaitable[None]], hall: Hall) -> None:
        self._answer = answer
        self._hall = hall
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._loop, self.close)
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._coming: HttpCall | None = None
        """The call whose body is being received."""
        self._current: HttpCall | None = None
        """The call that is being answered."""
        self._queue: deque[HttpCall] = deque()
        self._pending: list[bytes] = []
        self._size = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._ending = False
        """Whether no further call is taken."""
        self._deaf = False
        """Whether what else comes is thrown away."""
        self._paused = False
        self._target = b""
        self._fields: list[tuple[str, str]] = []
        self._head_left = MAX_HEAD

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._hall.enter(self)
        self._alarm.set(KEEP_ALIVE)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._only_one_more()
        except httptools.HttpParserError as error:
            self._refuse(error)
        else:
            self._look(len(data))

    def _look(self, size: int) -> None:
        """At what has come, and whether there is room for more."""
        coming = self._coming
        if coming is not None:
            if not coming.finished:
                self._alarm.set(BODY_SECONDS)
            coming.wake()
        elif self._current is None:
            self._reject_an_endless_head(size)
        self._make_room()

    def _make_room(self) -> None:
        coming = self._coming
        self._pause(len(self._queue) > QUEUE or (coming is not None and coming.size > FULL))

    def eof_received(self) -> None:
        """Whoever sends no more has left."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._transport = None
        self._alarm.stop()
        self._queue.clear()
        self._writable.set()
        self._hall.leave(self)
        if self._current is not None:
            self._current.lost()

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target, self._fields, self._head_left = b"", [], MAX_HEAD
        if self._current is None:
            self._alarm.set(HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._target += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; trailers are only counted."""
        self._count(len(name) + len(value))
        if self._coming is None:
            self._fields.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))

    def _count(self, size: int) -> None:
        self._head_left -= size
        if self._head_left < 0 or len(self._fields) > MAX_FIELDS:
            raise BadHeadError

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._ending:
            return
        parser = self._parser
        path, query = _split(self._target)
        call = HttpCall(
            self,
            parser.get_method().decode("latin-1"),
            path,
            query,
            tuple(self._fields),
            lasting=parser.should_keep_alive(),
        )
        if parser.get_http_version() == "1.0":
            call.lasting = call.chunks = False
        self._coming = call
        self._alarm.rest()
        if self._current is None:
            self._begin(call)
        else:
            self._queue.append(call)

    def on_body(self, data: bytes) -> None:
        """A piece of the request's body."""
        if self._coming is not None:
            self._coming.feed(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        call, self._coming = self._coming, None
        if call is not None:
            call.received = True
            call.wake()
            self._alarm.rest()
        if self._ending and self._current is None:
            self.close()

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

    def _linger(self) -> None:
        """The answer came before the request was whole: what is still on its way is thrown away first."""
        self._flush()
        self._ending = True
        self._make_room()
        self._alarm.set(LINGER_SECONDS)

    def _only_one_more(self) -> None:
        """Nothing that comes after this can be read; calls that have come are answered."""
        self._ending = self._deaf = True
        last = self._queue[-1] if self._queue else self._current
        if last is not None:
            last.lasting = False

    def _refuse(self, error: httptools.HttpParserError) -> None:
        """What comes is not HTTP, or more of it than anybody sends."""
        self._only_one_more()
        if self._coming is not None:
            self._coming.garbled = True
            self._coming.wake()
        elif self._current is None:
            self.write(_refusal(large=isinstance(error.__context__, BadHeadError)))
            self.close()

    def _reject_an_endless_head(self, size: int) -> None:
        # A field is told of once it is whole, which it may never be.
        self._head_left -= size
        if self._head_left < -MAX_HEAD:
            self.abort()

    # What a call does on it

    def write(self, data: bytes) -> None:
        """Gathers; what is gathered leaves at the end of this turn, or when it is much."""
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append(data)
        self._size += len(data)
        if self._size >= FULL:
            self._flush()

    def _flush(self) -> None:
        pending = self._pending
        if not pending:
            return
        self._pending, self._size = [], 0
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def full(self) -> bool:
        """Whether the client reads more slowly than we write."""
        return not self._writable.is_set()

    async def room(self) -> None:
        """Returns when there is room again, or when the client has left."""
        await self._writable.wait()

    def taken(self) -> None:
        """A part of the request's body has been taken."""
        self._make_room()

    def _pause(self, wanted: bool) -> None:
        if self._transport is None or wanted is self._paused:
            return
        self._paused = wanted
        if wanted:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # The end

    def shutdown(self) -> None:
        """Closes it if nothing is under way, else after the answer that is."""
        self._ending = True
        self._queue.clear()
        if self._current is None:
            self.close()
        elif not self._current.headed:
            self._current.lasting = False

    def close(self) -> None:
        """Closes it once everything has left."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Closes it at once."""
        if self._transport is not None:
            self._transport.abort()


def _refusal(*, large: bool) -> bytes:
    """The answer to what is no request; which dialect it should have been in cannot be known."""
    status = "431 Request Header Fields Too Large" if large else "400 Bad Request"
    words = "the request's header is too large" if large else "the request is not HTTP/1.1"
    body = encode({"error": {"type": "invalid_request_error", "message": words}})
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _split(target: bytes) -> tuple[str, str]:
    """Path and query of a request's target, in origin form or absolute (RFC 9112, section 3.2)."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
    else:
        try:
            parsed = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            return target.decode("latin-1"), ""
        path, query = parsed.path or b"/", parsed.query or b""
    shown = path.decode("latin-1")
    return unquote(shown) if "%" in shown else shown, query.decode("latin-1")

"""A call over a connection of our own server: the body as it comes in, the response framed as HTTP/1.1.

Framing: RFC 9112, sections 6 and 7. What is written within one turn of the event loop leaves in one piece.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from pointsman.canon.errors import MalformedError
from pointsman.server.call import ClientLeftError
from pointsman.wire.headers import LINE_BREAK, Headers, first

if TYPE_CHECKING:
    from pointsman.server.websocket import WebSocketLine

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Carrier(Protocol):
    """The connection that a call came over."""

    def write(self, data: bytes) -> None:
        """Sends, at the latest at the end of this turn of the loop."""

    def full(self) -> bool:
        """Whether the client reads more slowly than we write."""
        ...

    async def room(self) -> None:
        """Returns when there is room again, or when the client has left."""

    def taken(self) -> None:
        """A part of the request's body has been taken: there is room for more."""

    def switch(self, feed: Callable[[bytes], None]) -> None:
        """What comes from now on is no HTTP, and is for `feed`."""


class HttpCall:
    """Implements the endpoint's `Call`."""

    def __init__(
        self, carrier: Carrier, method: str, path: str, query: str, headers: Headers, *, lasting: bool
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.wants_socket = method == "GET" and "websocket" in (first(headers, "upgrade") or "").lower()
        self.lasting = lasting
        """Whether the connection may carry another call after this one."""
        self.chunks = True
        """Whether the client's version of HTTP has chunks."""
        self.garbled = False
        """Whether the request's body cannot be read to its end."""
        self.headed = False
        self.finished = False
        self.received = False
        """Whether the request's body is whole."""
        self.size = 0
        """Bytes of the request's body that wait to be taken."""
        self._carrier = carrier
        self._deserted = False
        """Whether the client sends no more."""
        self._gone = False
        """Whether it takes no more either."""
        self._chunked = False
        self._bodiless = method == "HEAD"
        self._expected = (first(headers, "expect") or "").lower()
        self._pieces: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._left: Callable[[], None] | None = None
        self._socket: WebSocketLine | None = None

    async def open_socket(self, limit: int, headers: Headers) -> "WebSocketLine":
        """Switches the connection to a WebSocket. Raises MalformedError."""
        from pointsman.server.websocket import WebSocketLine  # noqa: PLC0415 - websockets is rarely wanted

        if not self.chunks:
            raise MalformedError("a WebSocket needs HTTP/1.1")
        socket = WebSocketLine(self._carrier, limit)
        socket.accept(self.headers, headers)
        self.headed, self.lasting, self._socket = True, False, socket
        self._carrier.switch(socket.feed)
        return socket

    def retire(self) -> None:
        """The endpoint wants to end; what is under way may go on."""
        if self._socket is not None:
            self._socket.retire()

    # The request

    async def piece(self) -> bytes:
        """The next piece of the request's body; empty at its end. Raises ClientLeftError, MalformedError."""
        self._go_on()
        if not self._pieces and not self.received:
            await self._arrival()
        if self._pieces:
            pieces = self._pieces
            self._pieces, self.size = [], 0
            self._carrier.taken()
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self.received:
            return b""
        if self.garbled:
            raise MalformedError("the body is not framed as HTTP/1.1 has it; send it with its length")
        raise ClientLeftError

    def _go_on(self) -> None:
        """The body is wanted: a client may be waiting for that word (RFC 9110, section 10.1.1)."""
        expected, self._expected = self._expected, ""
        if expected == "100-continue" and self.chunks:
            self._carrier.write(GO_ON)

    async def _arrival(self) -> None:
        while not (self._pieces or self.received or self.garbled or self._deserted):
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def feed(self, data: bytes) -> None:
        """More of the request's body."""
        if not self.finished:
            self._pieces.append(data)
            self.size += len(data)

    def forget(self) -> None:
        """Nobody wants the rest of the request's body."""
        self._pieces, self.size = [], 0

    def wake(self) -> None:
        """Something has happened that somebody may be waiting for."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def lost(self) -> None:
        """The connection has ended: nothing can be written any more."""
        self._gone = True
        self.deserted()

    def deserted(self) -> None:
        """The client sends no more, and has left as far as anybody can tell."""
        self._deserted = True
        self.wake()
        if self._socket is not None:
            self._socket.lost()
        left, self._left = self._left, None
        if left is not None:
            left()

    def watch(self, left: Callable[[], None] | None) -> None:
        """Calls `left` once the client has left; None ends the watch."""
        self._left = left
        if left is not None and self._deserted:
            asyncio.get_running_loop().call_soon(left)

    # The response

    async def head(self, status: int, headers: Headers) -> None:
        """Sends the response's head."""
        self.headed = True
        self._bodiless = self._bodiless or status in _BODILESS
        if not self.received:  # what is left of the request stands in the way of the next
            self.lasting = False
        fields = [f"{name}: {value}" for name, value in headers]
        if not self._bodiless and not any(name == "content-length" for name, _ in headers):
            self._frame(fields)
        if not self.lasting:
            fields.append("connection: close")
        lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}", *fields, "\r\n"]
        text = "\r\n".join(lines)
        if text.count("\r") != len(lines) or text.count("\n") != len(lines) or "\0" in text:
            text = "\r\n".join([*(LINE_BREAK.sub(" ", line) for line in lines[:-1]), "\r\n"])
        self._carrier.write(text.encode("latin-1", "replace"))

    def _frame(self, fields: list[str]) -> None:
        """Chunks, unless the client's version of HTTP lacks them: then the connection's end is the body's."""
        if self.chunks:
            self._chunked = True
            fields.append("transfer-encoding: chunked")
        else:
            self.lasting = False

    async def write(self, data: bytes) -> None:
        """Sends a piece of the body; waits while the client reads slowly."""
        if data and not self._bodiless and not self._gone:
            self._carrier.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if self._carrier.full():
            await self._carrier.room()

    async def finish(self, data: bytes = b"") -> None:
        """Ends the body, with its last piece."""
        if data:
            await self.write(data)
        self.finished = True
        if self._chunked:
            self._carrier.write(LAST_CHUNK)

    def abort(self) -> None:
        """The endpoint returns without ending the body: the connection is then closed."""

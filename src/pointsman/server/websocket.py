"""A WebSocket on a connection of our own server, over the sans-I/O half of the websockets library.

States: the client's head has been read by the HTTP parser; `accept` answers it; from then on every byte of
the connection is this one's until it is over. The library unmasks, inflates and bounds what comes (RFC 6455).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from pointsman.canon.errors import MalformedError
from pointsman.server.http_call import Carrier
from pointsman.wire.headers import Headers

PING_EVERY = 20.0
"""Seconds between two pings: proxies close what is silent for a minute."""
MOST_MISSED = 3
"""Pings that may stay without an answer before the client counts as gone."""
CLOSE_SECONDS = 2.0
"""How long the client may take to close its side."""
_LOG = logging.getLogger("pointsman.websocket")
_HANDSHAKE = frozenset({"host", "upgrade", "connection", "origin"})
_MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class WebSocketLine:
    """Implements the endpoint's `Socket`."""

    def __init__(self, carrier: Carrier, limit: int) -> None:
        """`limit`: bytes of a message, once it is inflated."""
        # Windows of 4 KB: enough for events, and an eighth of the memory of the usual ones.
        deflate = ServerPerMessageDeflateFactory(
            server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
        )
        self._protocol = ServerProtocol(max_size=limit, extensions=[deflate], logger=_LOG)
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes | bytearray | memoryview] = []
        self._messages: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._over = False
        """Whether nothing more can come."""
        self._closed = False
        """Whether it has been closed from here."""
        self._gone = asyncio.Event()
        """Set once the client has closed its side."""
        self._left: Callable[[], None] | None = None
        self._retire: Callable[[], None] | None = None
        self._missed = 0
        self._timer: asyncio.TimerHandle | None = None

    def accept(self, headers: Headers, more: Headers) -> None:
        """Answers the handshake, with `more` fields. Raises MalformedError where it is none."""
        kept = [pair for pair in headers if pair[0] in _HANDSHAKE or pair[0].startswith("sec-websocket-")]
        lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in kept), "", ""]
        self._protocol.receive_data("\r\n".join(lines).encode("latin-1", "replace"))
        request = next((each for each in self._protocol.events_received() if isinstance(each, Request)), None)
        if request is None:
            raise MalformedError("the handshake of the WebSocket cannot be read")
        response = self._protocol.accept(request)
        if response.status_code != 101:
            said = bytes(response.body or b"").decode().partition("\n")[0]
            raise MalformedError(
                f"no WebSocket: {said.removeprefix('Failed to open a WebSocket connection: ')}"
            )
        for name, value in more:
            response.headers[name] = value
        self._protocol.send_response(response)
        self._flush()
        self._timer = self._loop.call_later(PING_EVERY, self._ping)

    # The endpoint

    async def receive(self) -> bytes | None:
        """The next message; None once the client has left or closed it."""
        while not (self._messages or self._over):
            self._waiting = self._loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._messages.popleft() if self._messages and not self._over else None

    async def send(self, message: bytes) -> None:
        """Sends text; waits while the client reads slowly."""
        if self._over or self._protocol.state is not OPEN:
            return
        self._protocol.send_text(message)
        self._flush()
        if self._carrier.full():
            await self._carrier.room()

    async def close(self, code: int, reason: str) -> None:
        """Says why, and waits a moment for the client to close its side."""
        if self._closed:
            return
        self._closed = True
        with suppress(InvalidState):
            self._protocol.send_close(code, reason)
        self._flush()
        self._end()
        # To end the connection at once could take the last words from the client.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._gone.wait()

    def watch(self, left: Callable[[], None], retire: Callable[[], None]) -> None:
        """Calls `left` once the client has left or closed it, `retire` when the endpoint wants to end."""
        self._left, self._retire = left, retire
        if self._over:
            self._loop.call_soon(left)

    # The connection

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        self._flush()
        if self._protocol.close_rcvd is not None:
            # It waits for the connection to be closed from here (RFC 6455, section 7.1.1).
            self._gone.set()
        if self._protocol.state is not OPEN:
            self._end()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._missed = 0
        elif frame.opcode in _MESSAGES:
            self._parts.append(frame.data)
            if frame.fin:
                self._messages.append(b"".join(self._parts))
                self._parts = []
                self._wake()

    def lost(self) -> None:
        """The connection has ended, or the client sends no more."""
        self._gone.set()
        self._end()

    def retire(self) -> None:
        """The endpoint wants to end."""
        if self._retire is not None and not self._over:
            self._retire()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._over:
            return
        self._over = True
        self._wake()
        left, self._left = self._left, None
        if left is not None:
            left()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _flush(self) -> None:
        """What is to leave. An end is left to the connection, which closes after its last call."""
        for data in self._protocol.data_to_send():
            if data:
                self._carrier.write(data)

    def _ping(self) -> None:
        """Keeps the line alive, and finds out whether anybody is still there."""
        self._timer = self._loop.call_later(PING_EVERY, self._ping)
        if self._carrier.full():
            return
        self._missed += 1
        if self._missed > MOST_MISSED:
            self.lost()
        elif self._protocol.state is OPEN:
            self._protocol.send_ping(b"")
            self._flush()

"""A WebSocket to an upstream: whole messages both ways, over the sans-I/O half of the websockets library.

One exchange at a time goes over it; what comes while none is under way ends it.
"""

import asyncio
import logging
from collections import deque
from typing import cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import WebSocketURI

from pointsman.upstream.address import Address
from pointsman.upstream.answer import READ_BUFFER
from pointsman.wire.headers import Headers

LARGEST = 64 * 1024 * 1024
"""Bytes of a message."""
_LOG = logging.getLogger("pointsman.websocket")
_MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})


class UpstreamSocket(asyncio.Protocol):
    """One connection; `headers` go with its handshake."""

    def __init__(self, address: Address, headers: Headers) -> None:
        place = address.place
        path, _, query = address.target.partition("?")
        uri = WebSocketURI(place.tls, place.host, place.port, path, query)
        deflate = ClientPerMessageDeflateFactory(compress_settings={"memLevel": 5})
        self._protocol = ClientProtocol(uri, extensions=[deflate], max_size=LARGEST, logger=_LOG)
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self.opened_at = self._loop.time()
        self.busy = False
        """Whether an exchange is under way."""
        self._transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[bool] = self._loop.create_future()
        self._parts: list[bytes | bytearray | memoryview] = []
        self._messages: deque[bytes] = deque()
        self._size = 0
        self._waiting: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._paused = False

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing() or self._protocol.state is not OPEN

    async def opened(self) -> bool:
        """Whether the upstream lets us have it."""
        return await self._opened

    async def send(self, message: bytes) -> None:
        """Sends text, given as UTF-8; returns when most of it has left."""
        self.busy = True
        self._protocol.send_text(message)
        self._flush()
        await self._writable.wait()

    async def receive(self) -> bytes | None:
        """The next message; None once the connection has ended."""
        while not self._messages:
            if self.closed:
                return None
            self._waiting = self._loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        message = self._messages.popleft()
        self._size -= len(message)
        if self._paused and self._size <= READ_BUFFER and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return message

    def abort(self) -> None:
        """Closes it now, which stops what is under way."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected: asks for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        request = self._protocol.connect()
        for name, value in self._headers:
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """More bytes."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        self._flush()
        if not self._opened.done() and (self._protocol.handshake_exc or self._protocol.state is OPEN):
            self._opened.set_result(self._protocol.handshake_exc is None)
        if self._opened.done() and self._protocol.state is not OPEN and self._transport is not None:
            self._transport.close()
        self._wake()

    def _take(self, frame: Frame) -> None:
        if frame.opcode not in _MESSAGES:
            return
        self._parts.append(frame.data)
        if not frame.fin:
            return
        message = b"".join(self._parts)
        self._parts = []
        if not self.busy:
            # Nobody asked for it: that the connection is to end, most likely.
            self.abort()
            return
        self._messages.append(message)
        self._size += len(message)
        if self._size > READ_BUFFER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Nothing more comes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._transport = None
        if not self._opened.done():
            self._opened.set_result(False)
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        """The upstream reads more slowly than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and self._transport is not None:
                self._transport.write(data)

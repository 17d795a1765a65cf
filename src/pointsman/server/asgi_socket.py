"""A WebSocket under another server, as ASGI has it (asgi.readthedocs.io: WebSocket, denial response)."""

import asyncio
from collections.abc import Callable

from pointsman.server.asgi import Receive, Scope, Send
from pointsman.server.socket import NORMAL, TOO_BIG
from pointsman.wire.headers import Headers

DENIED = 1008
"""The code of a close that refuses a connection (RFC 6455, section 7.4.1)."""
_DENIAL = "websocket.http.response"


class AsgiSocketCall:
    """Implements the endpoint's `Call` for a connection that asks for a WebSocket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method = "GET"
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: Headers = tuple(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        )
        self.wants_socket = True
        self.headed = False
        self.finished = False
        self._receive = receive
        self._send = send
        self._tells_why = _DENIAL in (scope.get("extensions") or {})
        self._opened = False

    async def open_socket(self, limit: int, headers: Headers) -> "AsgiSocket":
        """Accepts it."""
        self.headed = self._opened = True
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await self._send({"type": "websocket.accept", "headers": raw})
        return AsgiSocket(self._receive, self._send, limit)

    async def piece(self) -> bytes:
        """There is no body."""
        return b""

    async def head(self, status: int, headers: Headers) -> None:
        """Refuses it, with the answer that says why if the server can pass that on."""
        self.headed = True
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        if self._tells_why:
            await self._send({"type": f"{_DENIAL}.start", "status": status, "headers": raw})
        else:
            await self._send({"type": "websocket.close", "code": DENIED})

    async def write(self, data: bytes) -> None:
        """A piece of the refusal."""
        if self._tells_why and not self._opened:
            await self._send({"type": f"{_DENIAL}.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """The refusal, or the connection, is over."""
        self.finished = True
        if self._tells_why and not self._opened:
            await self._send({"type": f"{_DENIAL}.body", "body": data, "more_body": False})

    def watch(self, left: Callable[[], None] | None) -> None:
        """A refusal is not watched."""

    def abort(self) -> None:
        """The application returns, and the server closes the connection."""


class AsgiSocket:
    """Implements the endpoint's `Socket`."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._over = False
        self._left: Callable[[], None] | None = None

    async def receive(self) -> bytes | None:
        """The next message; None once the client has left or closed it."""
        if self._over:
            return None
        event = await self._receive()
        if event["type"] == "websocket.disconnect":
            self._end()
            return None
        text = event.get("text")
        message = bytes(event.get("bytes") or b"") if text is None else text.encode()
        if len(message) > self._limit:
            await self.close(TOO_BIG, "the message is too large")
            return None
        return message

    async def send(self, message: bytes) -> None:
        """Sends text; waits while the client reads slowly."""
        if not self._over:
            await self._send({"type": "websocket.send", "text": message.decode()})

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Ends it; the server sees to the rest."""
        if not self._over:
            self._end()
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def watch(self, left: Callable[[], None], retire: Callable[[], None]) -> None:
        """Calls `left` once the client has left; the server ends its connections by itself."""
        self._left = left

    def _end(self) -> None:
        self._over = True
        left, self._left = self._left, None
        if left is not None:
            asyncio.get_running_loop().call_soon(left)

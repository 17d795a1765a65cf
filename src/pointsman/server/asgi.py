"""The endpoint as an ASGI application, for whoever runs it inside another server."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from pointsman.canon.errors import MalformedError
from pointsman.server.call import ClientLeftError
from pointsman.server.endpoint import Endpoint
from pointsman.server.socket import Socket
from pointsman.wire.headers import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApplication:
    """Speaks ASGI 3 (asgi.readthedocs.io, HTTP and lifespan)."""

    def __init__(
        self, endpoint: Endpoint, *, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]
    ) -> None:
        self._endpoint = endpoint
        self._start = start
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's event."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._endpoint.answer(AsgiCall(scope, receive, send))
        elif scope["type"] == "websocket":
            # Imported only where somebody asks for one.
            from pointsman.server.asgi_socket import AsgiSocketCall  # noqa: PLC0415 - as the line above says

            await receive()  # `websocket.connect`
            await self._endpoint.answer(AsgiSocketCall(scope, receive, send))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


class AsgiCall:
    """Implements the endpoint's `Call`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: Headers = tuple(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        )
        self.wants_socket = False
        self.headed = False
        self.finished = False
        self._receive = receive
        self._send = send
        self._more = True
        self._watching: asyncio.Task[None] | None = None

    async def open_socket(self, limit: int, headers: Headers) -> Socket:
        """A server that has WebSockets says so by the kind of scope. Raises MalformedError."""
        raise MalformedError("this server has no WebSockets")

    async def piece(self) -> bytes:
        """The next piece of the request's body; empty at its end. Raises ClientLeftError."""
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            self._more = message.get("more_body", False)
            if piece := message.get("body", b""):
                return bytes(piece)
        return b""

    async def head(self, status: int, headers: Headers) -> None:
        """Sends the response's head."""
        self.headed = True
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        """Sends a piece of the body; waits while the client reads slowly."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Ends the body, with its last piece."""
        self.finished = True
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    def watch(self, left: Callable[[], None] | None) -> None:
        """Calls `left` once the client has left; None ends the watch."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if left is not None:
            self._watching = asyncio.get_running_loop().create_task(self._watch(left))

    async def _watch(self, left: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        left()

    def abort(self) -> None:
        """The application returns without ending the body: the server then closes the connection."""

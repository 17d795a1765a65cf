"""A client's connection, over ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from pointsman.wire.headers import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiClient:
    """Implements the gateway's `Client`."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.headed = False
        """Whether the response's head is out."""
        self.finished = False
        """Whether the body's end is out."""

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

    async def gone(self) -> None:
        """Returns when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def abort(self) -> None:
        """The application returns without ending the body: the server then closes the connection."""

"""A call: one request and the line back to whoever made it, as every server that can hold one shows it."""

from typing import Protocol

from pointsman.gateway.exchange import Client
from pointsman.server.socket import Socket
from pointsman.wire.headers import Headers


class ClientLeftError(Exception):
    """The client left before its body was complete."""


class Call(Client, Protocol):
    """What the endpoint answers."""

    method: str
    path: str
    """Decoded, without the query."""
    query: str
    """As received."""
    headers: Headers
    """Names in lower case."""
    headed: bool
    """Whether the response's head is out."""
    finished: bool
    """Whether the body's end is out."""

    wants_socket: bool
    """Whether the client asks for a WebSocket."""

    async def open_socket(self, limit: int, headers: Headers) -> Socket:
        """Lets it have one; `limit`: bytes of a message, `headers`: more fields of the answer's head.

        Raises MalformedError for a handshake that is none.
        """
        ...

    async def piece(self) -> bytes:
        """The next piece of the request's body; empty at its end. Raises ClientLeftError."""
        ...

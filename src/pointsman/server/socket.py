"""A WebSocket to a client, as every server that can hold one shows it."""

from collections.abc import Callable
from typing import Protocol

NORMAL, GOING_AWAY, TOO_BIG = 1000, 1001, 1009
"""Codes of a close (RFC 6455, section 7.4.1)."""


class Socket(Protocol):
    """Whole messages in both directions. What the lines below it may do is bounded as for a call."""

    async def receive(self) -> bytes | None:
        """The next message, as UTF-8; None once the client has left or closed it."""
        ...

    async def send(self, message: bytes) -> None:
        """Sends text, given as UTF-8; waits while the client reads slowly. Harmless once it has left."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Ends it properly: nothing more is received. Harmless once it is closed."""
        ...

    def watch(self, left: Callable[[], None], retire: Callable[[], None]) -> None:
        """Calls `left` from the event loop once the client has left or closed it, and `retire` when the
        endpoint wants to end."""
        ...

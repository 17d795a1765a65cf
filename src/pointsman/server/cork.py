"""A cork: what is written within one turn of the event loop leaves in one piece.

uvicorn writes a response's head and each piece of its body by themselves, and every write is a call into the
kernel that wakes the client: on loopback a quarter of what a small answer costs.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FULL = 64 * 1024
"""Bytes that leave at once, so that the transport's own limits hold a slow client's writer back."""


class Cork(asyncio.Transport):
    """A transport that gathers writes, in front of the real one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pending: list[bytes | bytearray | memoryview[Any]] = []
        self._size = 0

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        """Gathers; what is gathered leaves at the end of this turn, or when it is much."""
        if not data:
            return
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
        if not self._transport.is_closing():
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def close(self) -> None:
        """Closes once everything has left."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it has been closed."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the real transport knows."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Lets the client wait."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Takes more from the client."""
        self._transport.resume_reading()


class CorkedProtocol(HttpToolsProtocol):
    """uvicorn's protocol behind a cork."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client is there."""
        super().connection_made(Cork(transport))

"""The outlet of a connection: what leaves on it, gathered, and no faster than the client takes it."""

import asyncio

FULL = 64 * 1024
"""Bytes that may wait here before somebody has to wait."""


class Outlet:
    """Belongs to one connection; `transport` is None before it is open and after it has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.Transport | None = None
        self._loop = loop
        self._pending: list[bytes] = []
        self._size = 0
        self._writable = asyncio.Event()
        self._writable.set()

    def write(self, data: bytes) -> None:
        """Gathers; what is gathered leaves at the end of this turn, or when it is much."""
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append(data)
        self._size += len(data)
        if self._size >= FULL:
            self.flush()

    def flush(self) -> None:
        """Lets go of what is gathered."""
        pending = self._pending
        if not pending:
            return
        self._pending, self._size = [], 0
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def full(self) -> bool:
        """Whether the client reads more slowly than we write."""
        return not self._writable.is_set()

    async def room(self) -> None:
        """Returns when there is room again, or when the client has left."""
        await self._writable.wait()

    def waiting(self) -> int:
        """Bytes that the system has not taken yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def hold(self) -> None:
        """The client reads slowly."""
        self._writable.clear()

    def go_on(self) -> None:
        """It has caught up."""
        self._writable.set()

    def lost(self) -> None:
        """Nothing more can leave."""
        self.transport = None
        self._pending, self._size = [], 0
        self._writable.set()

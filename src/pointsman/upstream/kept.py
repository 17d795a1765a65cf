"""Kept connections: those that have carried an exchange and wait for the next."""

import asyncio
from collections.abc import Hashable

from pointsman.upstream.connection import Connection

SECONDS = 60.0
"""How long an unused connection is kept: an agent's pause between two turns."""


class Kept:
    """Unused connections by where they lead, the last one used first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Hashable, list[tuple[float, Connection]]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, way: Hashable) -> Connection | None:
        """One that is still open; None if there is none."""
        waiting = self._waiting.get(way)
        while waiting:
            _, connection = waiting.pop()
            if not connection.closed:
                return connection
        return None

    def put(self, way: Hashable, connection: Connection) -> None:
        """Keeps it for some time."""
        self._waiting.setdefault(way, []).append((self._loop.time(), connection))
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Closes what has waited too long."""
        self._sweeping = None
        oldest = self._loop.time() - SECONDS
        for way, waiting in tuple(self._waiting.items()):
            fresh = [(since, one) for since, one in waiting if since > oldest and not one.closed]
            for since, connection in waiting:
                if since <= oldest:
                    connection.abort()
            if fresh:
                self._waiting[way] = fresh
            else:
                del self._waiting[way]
        if self._waiting:
            self._sweeping = self._loop.call_later(SECONDS / 2, self._sweep)

    def close(self) -> None:
        """Closes them all."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for waiting in self._waiting.values():
            for _, connection in waiting:
                connection.abort()
        self._waiting.clear()

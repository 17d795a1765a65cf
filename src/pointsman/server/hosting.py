"""Hosting: the listening sockets, the connections on them, and how they end."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from pointsman.server.connection import ClientConnection
from pointsman.server.http_call import HttpCall
from pointsman.server.listening import BACKLOG

LOOK_EVERY = 0.005
"""Seconds between two looks at what is still under way, once the end has come."""
CUT_SECONDS = 2.0
"""How long what is cut may take to say so."""


class Host:
    """Serves on sockets that are open already, and leaves signals to whoever runs it.

    At the end running streams get `grace` seconds. `new_id` makes the ids of answers to what is no request.
    """

    def __init__(
        self, answer: Callable[[HttpCall], Awaitable[None]], *, grace: float, new_id: Callable[[], str]
    ) -> None:
        self._answer = answer
        self.new_id = new_id
        self._grace = grace
        self._connections: set[ClientConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._ending = asyncio.Event()
        self._now = False

    async def open(self, sockets: Sequence[socket.socket]) -> None:
        """Returns once it answers."""
        loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(await loop.create_server(self._connect, sock=one, backlog=BACKLOG))

    @property
    def addresses(self) -> frozenset[str]:
        """Where it listens."""
        names = (one.getsockname()[0] for server in self._servers for one in server.sockets)
        return frozenset(str(name) for name in names)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def _connect(self) -> ClientConnection:
        return ClientConnection(self._answer, self)

    async def run_until_ended(self) -> None:
        """Returns after `end`, once everything has ended."""
        try:
            await self._ending.wait()
        finally:
            await self._shutdown()

    def end(self, *, now: bool = False) -> None:
        """Stops listening and lets running streams finish; `now` cuts them with a word each."""
        self._now = self._now or now
        self._ending.set()

    async def _shutdown(self) -> None:
        """Lets running streams finish within their time, and cuts the rest with a word each."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.shutdown()
        await self._drained(self._grace, or_now=True)
        for task in self._tasks:
            task.cancel()
        await self._drained(CUT_SECONDS)
        for connection in tuple(self._connections):
            connection.abort()

    async def _drained(self, seconds: float, *, or_now: bool = False) -> None:
        """Returns when nothing is under way, when the time is up, or when nobody wants to wait for it."""
        end = asyncio.get_running_loop().time() + seconds
        while self._tasks or self._connections:
            left = end - asyncio.get_running_loop().time()
            if left <= 0 or (or_now and self._now):
                return
            await asyncio.sleep(min(left, LOOK_EVERY))

    # The hall, as connections see it

    def enter(self, connection: ClientConnection) -> None:
        """It is open."""
        self._connections.add(connection)

    def leave(self, connection: ClientConnection) -> None:
        """It is closed."""
        self._connections.discard(connection)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work in a task of its own, which it keeps hold of."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

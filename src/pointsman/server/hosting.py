"""Hosting: uvicorn around the endpoint, with what it would add or log of its own switched off."""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from pointsman.server.client import Receive, Scope, Send
from pointsman.server.cork import CorkedProtocol

KEEP_ALIVE = 75
"""Seconds; longer than clients keep an unused connection, so that it is they who close it."""
BACKLOG = 1024
LOOK_EVERY = 0.005
"""Seconds between two looks at what is still under way, once the end has come."""
CUT_SECONDS = 2.0
"""How long what is cut may take to say so."""


class Host(uvicorn.Server):
    """Serves on sockets that are open already, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], grace: float) -> None:
        super().__init__(config)
        self._grace = grace
        self._announce = announce
        self._ending = asyncio.Event()

    def end(self, *, now: bool = False) -> None:
        """Stops listening and lets running streams finish; `now` without waiting for them."""
        self.should_exit = True
        self.force_exit = self.force_exit or now
        self._ending.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals belong to the program that runs this server."""
        yield

    async def main_loop(self) -> None:
        """Waits for the end: an idle endpoint does not wake the machine ten times a second."""
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets running streams finish within their time, and cuts the rest with a word each.

        uvicorn's own looks ten times a second, knows whole seconds, and does not wait for what it cancels.
        """
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        await self._drained(self._grace)
        for task in self.server_state.tasks:
            task.cancel()
        await self._drained(CUT_SECONDS)
        await self.lifespan.shutdown()

    async def _drained(self, seconds: float) -> None:
        """Returns when nothing is under way, when the time is up, or when nobody wants to wait."""
        end = asyncio.get_running_loop().time() + seconds
        while self.server_state.tasks or self.server_state.connections:
            left = end - asyncio.get_running_loop().time()
            if left <= 0 or self.force_exit:
                return
            await asyncio.sleep(min(left, LOOK_EVERY))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announces the endpoint once it answers."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def make_host(
    app: Callable[[Scope, Receive, Send], object], announce: Callable[[], None], *, grace: float
) -> Host:
    """A server for an ASGI application; `grace` is how many seconds running streams get at the end."""
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]  # uvicorn's own alias names its scopes one by one
        http=CorkedProtocol,
        loop="none",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        backlog=BACKLOG,
    )
    return Host(config, announce, grace)

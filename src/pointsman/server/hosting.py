"""Hosting: uvicorn around the endpoint, with what it would add or log of its own switched off."""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from pointsman.server.client import Receive, Scope, Send

KEEP_ALIVE = 75
"""Seconds; longer than clients keep an unused connection, so that it is they who close it."""
BACKLOG = 1024


class Host(uvicorn.Server):
    """Serves on sockets that are open already, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
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
        http="httptools",
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
        timeout_graceful_shutdown=max(1, round(grace)),
        backlog=BACKLOG,
    )
    return Host(config, announce)

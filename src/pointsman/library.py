"""pointsman inside another program: `async with Gateway() as gateway: gateway.url`."""

import asyncio
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from pointsman.app import App
from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.server.endpoint import Endpoint
from pointsman.server.guard import is_local_name
from pointsman.server.hosting import Host, make_host
from pointsman.server.listening import open_sockets, port_of

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})


class Gateway:
    """An endpoint that runs as long as the block lasts.

    Keyword arguments are named as in the configuration file (`port`, `model`, `discover`, …) and stand above
    it. Without a `port` a free one is taken. Raises SetupError.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        announce: Callable[["Gateway"], None] = lambda _: None,
        **settings: object,
    ) -> None:
        flags = {"port": 0, **settings}
        self.app = App(os.environ if environment is None else environment, flags)
        self._announce = announce
        self._host: Host | None = None
        self._running: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the endpoint answers, without a path."""
        return f"http://{self._shown_host()}:{self._port}"

    def _shown_host(self) -> str:
        host = self.reached_at
        return f"[{host}]" if ":" in host else host

    @property
    def reached_at(self) -> str:
        """The host under which this machine reaches the endpoint."""
        host = self.app.began.host
        return "localhost" if host in EVERY_ADDRESS or is_local_name(host) else host

    @property
    def port(self) -> int:
        """The port on which the endpoint listens; 0 before it does."""
        return self._port

    @property
    def asgi(self) -> Endpoint:
        """The endpoint as an ASGI application, for another server."""
        return self.app.asgi

    def status(self) -> Json:
        """What the status page shows of configuration and backends."""
        return {**self.app.describe(), "address": self.url, "version": self.app.service.version}

    def backends(self) -> list[Json]:
        """Every backend, and why it is there."""
        found: list[Json] = self.app.describe()["backends"]
        return found

    async def __aenter__(self) -> Self:
        """Starts listening; returns once the endpoint answers."""
        settings = self.app.began
        sockets = open_sockets(settings.host, settings.port)
        self._port = port_of(sockets)
        self.app.listens_on(self._port)
        ready = asyncio.Event()
        self._host = make_host(self.app.asgi, ready.set, grace=settings.shutdown_timeout)
        self._running = asyncio.get_running_loop().create_task(self._host.serve(sockets))
        waiting = asyncio.get_running_loop().create_task(ready.wait())
        await asyncio.wait({self._running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not ready.is_set():
            raise SetupError("the endpoint ended before it answered; starting it again may help")
        try:
            self._announce(self)
        except BaseException:
            await self._end()
            raise
        return self

    def stop(self, *, now: bool = False) -> None:
        """Asks the endpoint to end; `now` without waiting for running streams."""
        if self._host is not None:
            self._host.end(now=now)

    async def wait(self) -> None:
        """Returns when the endpoint has ended."""
        if self._running is not None:
            await self._running

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the endpoint; running streams get their time."""
        await self._end()

    async def _end(self) -> None:
        self.stop()
        await self.wait()
        # A server that was told twice to end leaves its application standing.
        await self.app.stop()

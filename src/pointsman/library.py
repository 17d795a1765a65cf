"""pointsman inside another program: `async with Gateway() as gateway: gateway.url`."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from pointsman.app import App
from pointsman.canon.json import Json
from pointsman.server.asgi import AsgiApplication
from pointsman.server.guard import is_local_name
from pointsman.server.hosting import Host
from pointsman.server.listening import EVERY_ONE, open_sockets, port_of, seen_from_outside


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
        return self._url(self.reached_at)

    @property
    def url_from_outside(self) -> str | None:
        """Where other machines reach it; None if it listens on loopback alone, or there is no network."""
        host = seen_from_outside(self.app.began.host)
        return None if host is None else self._url(host)

    def _url(self, host: str) -> str:
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def reached_at(self) -> str:
        """The host under which this machine reaches the endpoint."""
        host = self.app.began.host
        return "localhost" if host in EVERY_ONE or is_local_name(host) else host

    @property
    def port(self) -> int:
        """The port on which the endpoint listens; 0 before it does."""
        return self._port

    @property
    def addresses(self) -> frozenset[str]:
        """Where it listens; empty before it does."""
        return self._host.addresses if self._host is not None else frozenset()

    @property
    def asgi(self) -> AsgiApplication:
        """The endpoint as an ASGI application, for another server."""
        return self.app.asgi

    def status(self) -> Json:
        """What the status page shows of configuration and backends."""
        return {
            **self.app.describe(),
            "address": self.url,
            "address_from_outside": self.url_from_outside,
            "version": self.app.service.version,
        }

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
        self._host = Host(
            self.app.endpoint.answer,
            grace=settings.shutdown_timeout,
            new_id=self.app.service.parts.new_id,
        )
        await self._begin(self._host, sockets)
        try:
            self._announce(self)
        except BaseException:
            await self._end()
            raise
        return self

    async def _begin(self, host: Host, sockets: list[socket.socket]) -> None:
        try:
            await self.app.start()
            await host.open(sockets)
        except BaseException:
            for each in sockets:
                each.close()
            await self.app.stop()
            raise
        self._running = asyncio.get_running_loop().create_task(host.run_until_ended())

    def stop(self, *, now: bool = False) -> None:
        """Asks the endpoint to end; `now` without waiting for running streams."""
        if self._host is not None:
            self._host.end(now=now)

    @property
    def has_log(self) -> bool:
        """Whether it writes a log file."""
        return self.app.service.reporting.has_log

    def reopen_logs(self) -> None:
        """Opens the log file anew, for it was rotated; a moment's work on a disk."""
        self.app.service.reporting.reopen()

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
        await self.app.stop()

"""Connections to the engine that can be cut from outside: it is not unloaded while somebody listens to it."""

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_exceptions import UnixClientConnectorError

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace


class Sockets:
    """The sockets to one engine, kept until they are closed."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def new(self, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """A socket that `cut` will reach."""
        self._open = [one for one in self._open if one.fileno() != -1]
        one = socket.socket(family, kind, protocol)
        one.setblocking(False)
        self._open.append(one)
        return one

    def cut(self) -> None:
        """Ends every connection, from any thread, without an event loop."""
        for one in self._open:
            with suppress(OSError):  # closed, or not yet connected
                one.shutdown(socket.SHUT_RDWR)


def tcp_connector(sockets: Sockets) -> aiohttp.BaseConnector:
    """For an engine on a loopback port."""

    def factory(address: tuple[Any, ...]) -> socket.socket:
        return sockets.new(*address[:3])

    return aiohttp.TCPConnector(force_close=True, limit=0, socket_factory=factory)


class UnixConnector(aiohttp.UnixConnector):
    """For an engine on a Unix socket: aiohttp's own offers no way to bring one's own socket."""

    def __init__(self, path: str, sockets: Sockets) -> None:
        super().__init__(path, force_close=True, limit=0)
        self._sockets = sockets

    async def _create_connection(
        self, req: "ClientRequest", traces: "list[Trace]", timeout: aiohttp.ClientTimeout
    ) -> "ResponseHandler":
        loop = asyncio.get_running_loop()
        one = self._sockets.new(socket.AF_UNIX)
        try:
            await loop.sock_connect(one, self.path)
            _, protocol = await loop.create_unix_connection(self._factory, sock=one)
        except BaseException as error:
            one.close()
            if isinstance(error, OSError):
                raise UnixClientConnectorError(self.path, req.connection_key, error) from error
            raise
        return protocol

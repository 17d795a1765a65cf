"""The network transport: requests leave as they are given, answers come in as they arrive.

No redirect is followed, no body decoded, no cookie kept, nothing queued; no total limit cuts an exchange.
"""

import asyncio
from functools import partial
from ssl import SSLContext
from typing import TYPE_CHECKING

from pointsman.canon.errors import SetupError
from pointsman.upstream.address import Address, address_of, proxy_of
from pointsman.upstream.answer import Answer
from pointsman.upstream.connection import Connection
from pointsman.upstream.dialing import Way, dial, proxy_authorization
from pointsman.upstream.failures import Circumstances
from pointsman.upstream.kept import Kept
from pointsman.upstream.transport import Outgoing
from pointsman.upstream.trust import Trust
from pointsman.wire.headers import FRAMING, LINE_BREAK, Headers

if TYPE_CHECKING:
    from pointsman.upstream.socket import UpstreamSocket


class HttpTransport:
    """Sends requests over the network; belongs to the event loop of its first request."""

    def __init__(self) -> None:
        self._kept: Kept | None = None
        self._open: set[Connection] = set()
        self._trust = Trust()

    async def send(self, outgoing: Outgoing, /) -> Answer:
        """The response's head.

        Raises UnreachableError (StaleError where a kept connection was closed), SilenceError, GarbledError;
        SetupError for a `ca_file` or a header field that cannot be used.
        """
        address = address_of(outgoing.url)
        proxy = proxy_of(outgoing.proxy) if outgoing.proxy else None
        way = Way(address.place, proxy, outgoing.ca_file)
        head = _head(outgoing, address, way)
        connection = self._pool().take(way)
        about = self.about(outgoing, reused=connection is not None)
        if connection is None:
            made = partial(Connection, partial(self._pool().put, way), self._open.discard)
            connection = await dial(way, await self._context(way), about, made)
            if not connection.closed:
                self._open.add(connection)
        return await connection.ask(head, outgoing.body, about)

    @staticmethod
    def about(outgoing: Outgoing, *, reused: bool) -> Circumstances:
        """What failures say of a request."""
        return Circumstances(
            host=address_of(outgoing.url).authority,
            connect=outgoing.connect,
            first_byte=outgoing.first_byte,
            idle=outgoing.idle,
            proxy=proxy_of(outgoing.proxy).place.authority if outgoing.proxy else None,
            reused=reused,
        )

    async def open_socket(self, outgoing: Outgoing, headers: Headers) -> "UpstreamSocket | None":
        """A WebSocket where the request would go; None where the upstream has none, or a proxy stands in
        its way. Raises UnreachableError.
        """
        from pointsman.upstream.socket import UpstreamSocket  # noqa: PLC0415 - websockets is rarely wanted

        address = address_of(outgoing.url)
        way = Way(address.place, proxy_of(outgoing.proxy) if outgoing.proxy else None, outgoing.ca_file)
        if way.proxy is not None and not way.tunnels:
            return None
        about = self.about(outgoing, reused=False)
        made = partial(UpstreamSocket, address, headers)
        socket = await dial(way, await self._context(way), about, made)
        try:
            async with asyncio.timeout(outgoing.connect):
                opened = await socket.opened()
        except BaseException as error:
            socket.abort()
            if isinstance(error, TimeoutError):
                return None
            raise
        if not opened:
            socket.abort()
        return socket if opened else None

    def _pool(self) -> Kept:
        if self._kept is None:
            self._kept = Kept(asyncio.get_running_loop())
        return self._kept

    async def _context(self, way: Way) -> SSLContext | None:
        if way.place.tls or (way.proxy is not None and way.proxy.place.tls):
            return await self._trust.context(way.ca_file)
        return None

    async def close(self) -> None:
        """Closes every connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)  # the loop tells each of its end in its next turn


def _head(outgoing: Outgoing, address: Address, way: Way) -> bytes:
    """The request's head. Raises SetupError for a field that would break it in two."""
    lines = [f"{outgoing.method} {_target(address, way)} HTTP/1.1", f"Host: {address.authority}"]
    lines += [f"{name}: {value}" for name, value in outgoing.headers if name not in FRAMING]
    if way.proxy is not None and not way.tunnels and (credentials := proxy_authorization(way.proxy)):
        lines.append(f"Proxy-Authorization: {credentials}")
    if outgoing.body or outgoing.method != "GET":
        lines.append(f"Content-Length: {len(outgoing.body)}")
    head = "\r\n".join(lines)
    if LINE_BREAK.search(head.replace("\r\n", "")) or head.count("\r\n") != len(lines) - 1:
        raise SetupError(
            "a header field of the request has a line break in it; look at the key and at `headers` of the "
            "backend"
        )
    return _encoded(head) + b"\r\n\r\n"


def _target(address: Address, way: Way) -> str:
    if way.proxy is None or way.tunnels:
        return address.target
    return f"http://{address.authority}{address.target}"


def _encoded(head: str) -> bytes:
    try:
        return head.encode("latin-1")  # as a client's own fields were read
    except UnicodeEncodeError:
        return head.encode()

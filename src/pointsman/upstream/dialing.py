"""Dialing: from a place to an open connection, over names, both address families, proxies and TLS."""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import aiohappyeyeballs
from msgspec import Struct

from pointsman.upstream import failures
from pointsman.upstream.address import Place, Proxy
from pointsman.upstream.failures import Circumstances

PREFERENCE_DELAY = 0.25
"""Seconds that the first address is ahead of the next (RFC 8305, section 5)."""
MAX_PROXY_HEAD = 64 * 1024


class Way(Struct, frozen=True):
    """Where a connection leads, and how; connections of one way can stand in for each other."""

    place: Place
    proxy: Proxy | None = None
    ca_file: str | None = None

    @property
    def tunnels(self) -> bool:
        """Whether the proxy only passes bytes on."""
        return self.proxy is not None and self.place.tls


_P = TypeVar("_P", bound=asyncio.Protocol)
AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
"""What `getaddrinfo` gives."""


async def dial(way: Way, context: ssl.SSLContext | None, about: Circumstances, made: Callable[[], _P]) -> _P:
    """A protocol with an open connection; `context` is for every TLS on the way. Raises UnreachableError."""
    limit = asyncio.timeout(about.connect)
    try:
        async with limit:
            return await _dial(way, context, about, made)
    except TimeoutError as error:
        if limit.expired():
            raise failures.no_connection_in_time(about) from error
        raise failures.no_connection(error, about) from error
    except OSError as error:
        raise failures.no_connection(error, about) from error


async def _dial(way: Way, context: ssl.SSLContext | None, about: Circumstances, made: Callable[[], _P]) -> _P:
    if way.proxy is None:
        return await _open(way.place, context, made)
    try:
        if not way.tunnels:
            return await _open(way.proxy.place, context, made)
        tunnel = await _open(way.proxy.place, context, Tunnel)
    except OSError as error:
        raise failures.no_proxy(error, about) from error
    return await _through(tunnel, way, context, about, made)


async def _open(place: Place, context: ssl.SSLContext | None, made: Callable[[], _P]) -> _P:
    """A protocol that is connected to a place. Raises OSError."""
    loop = asyncio.get_running_loop()
    one = await _connected(await _addresses(loop, place))
    try:
        if not place.tls:
            return (await loop.create_connection(made, sock=one))[1]
        plain, _ = await loop.create_connection(asyncio.Protocol, sock=one)
    except BaseException:
        one.close()
        raise
    assert context is not None
    return await _secured(plain, place, context, made())


async def _secured(plain: asyncio.Transport, place: Place, context: ssl.SSLContext, protocol: _P) -> _P:
    """TLS inside an open connection, which ends where that fails or is cancelled. Raises OSError.

    Not left to `create_connection`: cancelled when the handshake is just over, that leaves a transport which
    still says goodbye, over a socket that nobody may close until then.
    """
    loop = asyncio.get_running_loop()
    try:
        transport = await loop.start_tls(plain, protocol, context, server_hostname=place.host)
        if transport is None:
            raise ConnectionResetError("the connection ended during the TLS handshake")
    except BaseException:
        plain.abort()
        raise
    protocol.connection_made(transport)
    return protocol


async def _connected(addresses: Sequence[AddressInfo]) -> socket.socket:
    """A socket on the address that answers first, a little ahead for the one that the system prefers."""
    return await aiohappyeyeballs.start_connection(  # pyright: ignore[reportUnknownMemberType]  # a bare tuple
        addresses, happy_eyeballs_delay=PREFERENCE_DELAY, interleave=1
    )


async def _addresses(loop: asyncio.AbstractEventLoop, place: Place) -> Sequence[AddressInfo]:
    try:
        # A number needs no resolver, and no thread to wait for it.
        return socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        return await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)


class Tunnel(asyncio.Protocol):
    """A connection to a proxy until it has said yes to CONNECT (RFC 9110, section 9.3.6)."""

    def __init__(self) -> None:
        self._head = b""
        self._answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    async def ask(self, request: bytes) -> int:
        """The proxy's status; 0 where its answer is not HTTP. Raises ConnectionError."""
        if self.transport is not None:
            self.transport.write(request)
        return await self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer's head; the proxy sends nothing after it before we do."""
        self._head += data
        whole = b"\r\n\r\n" in self._head
        if (whole or len(self._head) > MAX_PROXY_HEAD) and not self._answered.done():
            self._answered.set_result(_status(self._head) if whole else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy hangs up."""
        if not self._answered.done():
            self._answered.set_exception(ConnectionResetError("the proxy closed the connection"))
            self._answered.exception()  # asyncio would log one that nobody looked at


async def _through(
    tunnel: Tunnel, way: Way, context: ssl.SSLContext | None, about: Circumstances, made: Callable[[], _P]
) -> _P:
    """TLS with the backend inside a connection that the proxy passes on."""
    assert way.proxy is not None
    assert context is not None
    assert tunnel.transport is not None
    try:
        try:
            status = await tunnel.ask(_connect(way.place, way.proxy))
        except OSError as error:
            raise failures.no_proxy(error, about) from error
        if not 200 <= status < 300:
            raise failures.proxy_refuses(status, about)
    except BaseException:
        tunnel.transport.abort()
        raise
    return await _secured(tunnel.transport, way.place, context, made())


def _connect(place: Place, proxy: Proxy) -> bytes:
    credentials = proxy_authorization(proxy)
    field = f"Proxy-Authorization: {credentials}\r\n" if credentials else ""
    return f"CONNECT {place.with_port} HTTP/1.1\r\nHost: {place.with_port}\r\n{field}\r\n".encode("latin-1")


def proxy_authorization(proxy: Proxy) -> str | None:
    """The field's value for a proxy that has credentials in its URL (RFC 7617)."""
    if proxy.credentials is None:
        return None
    return "Basic " + b64encode(proxy.credentials.encode()).decode("ascii")


def _status(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return 0
    return int(words[1])

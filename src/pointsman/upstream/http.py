"""The network transport: aiohttp, with each default that would bend a relayed exchange switched off.

aiohttp would cut an exchange at five minutes, queue the 101st, rewrite percent-encoding, share cookies
between clients, add header fields of its own, decode bodies and follow redirects with credentials.
"""

import asyncio
import io
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from pointsman.canon.errors import TruncatedError, UnreachableError
from pointsman.upstream.connections import CURRENT, Connector, Line, Link
from pointsman.upstream.failures import (
    AFTER_HEAD,
    BEFORE_HEAD,
    CLIENT_ERRORS,
    Circumstances,
    explain,
)
from pointsman.upstream.transport import Incoming, Outgoing
from pointsman.upstream.trust import Trust
from pointsman.wire.headers import Headers

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

READ_BUFFER = 64 * 1024
"""Bytes that may wait here before the upstream is made to wait."""

KEEP_ALIVE = 60.0
"""Seconds an unused connection is kept: an agent's pause between two turns."""

DNS_CACHE = 60
"""Seconds."""

MAX_HEADER = 64 * 1024
"""Bytes of one header field."""

SLOWEST_UPLOAD = 32 * 1024
"""Bytes a second; an upload slower than that counts as silence."""

LARGE_BODY = 1024 * 1024
"""From here a body is written in pieces, so that one write doesn't hold up the event loop."""

_OWN_FIELDS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_NO_AUTO_FIELDS = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})


class HttpTransport:
    """Sends requests over the network; belongs to the event loop of its first request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._links: WeakKeyDictionary[ResponseHandler, Link] = WeakKeyDictionary()
        self._trust = Trust()

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head.

        Raises UnreachableError (StaleError where a kept connection was closed), SilenceError, GarbledError;
        SetupError for a `ca_file` that cannot be used.
        """
        url = _address(outgoing.url)
        context = await self._trust.context(outgoing.ca_file) if url.scheme == "https" else True
        about, line = _circumstances(outgoing, url), Line(self._links)
        token = CURRENT.set(line)
        try:
            async with asyncio.timeout(_head_deadline(outgoing)):
                response = await self._open().request(
                    outgoing.method,
                    url,
                    data=_body(outgoing.body),
                    headers=[field for field in outgoing.headers if field[0] not in _OWN_FIELDS],
                    timeout=_timeout(outgoing.connect, outgoing.first_byte),
                    allow_redirects=False,
                    proxy=outgoing.proxy,
                    ssl=context,
                )
        except CLIENT_ERRORS as error:
            line.abort()
            about.reused = line.reused
            raise explain(error, BEFORE_HEAD, about) from error
        except asyncio.CancelledError:
            line.abort()
            raise
        finally:
            CURRENT.reset(token)
        return HttpIncoming(response, line, about)

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(
                    limit=0,
                    keepalive_timeout=KEEP_ALIVE,
                    ttl_dns_cache=DNS_CACHE,
                    resolver=aiohttp.ThreadedResolver(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_NO_AUTO_FIELDS,
                read_bufsize=READ_BUFFER,
                max_line_size=MAX_HEADER,
                max_field_size=MAX_HEADER,
            )
        return self._session


class HttpIncoming:
    """A response on the network."""

    def __init__(self, response: aiohttp.ClientResponse, line: Line, about: Circumstances) -> None:
        self.status = response.status
        self.headers: Headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.raw_headers
        )
        self._response = response
        self._line = line
        self._about = about
        self._error: Exception | None = None
        line.begin(response.content, about.idle)

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises TruncatedError, SilenceError."""
        if self._error is not None:
            raise self._error
        content = self._response.content
        try:
            piece = await content.readany()
        except CLIENT_ERRORS as error:
            self._error = explain(error, AFTER_HEAD, self._about)
            if rest := _unread(content):
                return rest
            raise self._error from error
        if not piece:
            self._reject_a_broken_end()
        return piece

    def _reject_a_broken_end(self) -> None:
        # A body without length ends with the connection: aiohttp takes a reset for such an end, too.
        protocol = self._line.protocol
        error = protocol.exception() if protocol is not None else None
        if not isinstance(error, aiohttp.ClientOSError) or self._has_length():
            return
        raise TruncatedError(
            f"{self._about.host} broke off in the middle of its answer, {error.strerror}; ask again"
        )

    def _has_length(self) -> bool:
        return any(name in ("content-length", "transfer-encoding") for name, _ in self.headers)

    async def close(self) -> None:
        """Ends the exchange; what was not read to its end takes the connection with it, at once."""
        self._line.end()
        if not self._response.closed:
            self._line.abort()
        self._response.close()


def _unread(content: aiohttp.StreamReader) -> bytes:
    """What arrived before the error; aiohttp's reader gives nothing out after one."""
    buffer: Iterable[bytes] = getattr(content, "_buffer", ())
    return b"".join(buffer)


@lru_cache(maxsize=256)
def _address(url: str) -> URL:
    try:
        address = URL(url, encoded=True)
    except ValueError:
        address = URL()
    if address.scheme not in ("http", "https") or not address.raw_host:
        raise UnreachableError(
            "the backend's base URL is not an http or https address; correct its `base_url`"
        )
    if address.raw_user is not None:
        raise UnreachableError(
            f"the base URL of the backend at {address.host_port_subcomponent} holds a user or password; "
            "take them out, and give the key as the backend's key"
        )
    return address


@lru_cache(maxsize=64)
def _timeout(connect: float, first_byte: float) -> aiohttp.ClientTimeout:
    # `connect` bounds name look-up, TCP and TLS together; `sock_connect` alone would leave out the first.
    return aiohttp.ClientTimeout(
        total=None, connect=connect, sock_connect=connect, sock_read=first_byte, ceil_threshold=60
    )


def _head_deadline(outgoing: Outgoing) -> float:
    """Seconds for the whole way to the head, for servers that don't read or send a head drop by drop."""
    return outgoing.connect + outgoing.first_byte + len(outgoing.body) / SLOWEST_UPLOAD


def _body(body: bytes) -> bytes | io.BytesIO | None:
    if not body:
        return None
    return body if len(body) < LARGE_BODY else io.BytesIO(body)


def _circumstances(outgoing: Outgoing, url: URL) -> Circumstances:
    return Circumstances(
        host=url.host_port_subcomponent or "",
        connect=outgoing.connect,
        first_byte=outgoing.first_byte,
        idle=outgoing.idle,
        proxy=URL(outgoing.proxy).host_port_subcomponent if outgoing.proxy else None,
    )

"""Connections: which one an exchange goes over, whether it is fresh, and what happens when it ends."""

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Link:
    """One connection, for as long as it lives.

    Where the framing of a body breaks, aiohttp closes the connection and leaves whoever reads waiting for
    ever, its time limits off; the end of the connection is therefore told to the reader here.
    """

    def __init__(self) -> None:
        self.reader: aiohttp.StreamReader | None = None

    def lost(self, closed: "asyncio.Future[None]") -> None:
        """The connection has ended."""
        if not closed.cancelled():
            closed.exception()  # asyncio would log one that nobody looked at
        reader, self.reader = self.reader, None
        if reader is not None and not reader.is_eof() and reader.exception() is None:
            reader.set_exception(aiohttp.ClientPayloadError("the body's framing is broken"))


class Line:
    """The connection that an exchange goes over."""

    def __init__(self, links: "WeakKeyDictionary[ResponseHandler, Link]") -> None:
        self.protocol: ResponseHandler | None = None
        self.reused = False
        """Whether it has carried an exchange before."""
        self._link = Link()
        self._links = links
        self._reader: aiohttp.StreamReader | None = None

    def take(self, protocol: "ResponseHandler") -> None:
        """The connection has been chosen."""
        self.protocol = protocol
        known = self._links.get(protocol)
        self.reused = known is not None
        if known is not None:
            self._link = known
            return
        self._links[protocol] = self._link
        if (closed := protocol.closed) is not None:
            closed.add_done_callback(self._link.lost)

    def begin(self, reader: aiohttp.StreamReader, idle: float) -> None:
        """The body is being read; no gap in it may be longer than `idle` seconds."""
        if self.protocol is None or reader.is_eof():
            return
        self._reader = self._link.reader = reader
        self.protocol.read_timeout = idle
        self.protocol.start_timeout()

    def end(self) -> None:
        """Nobody reads any longer."""
        if self._link.reader is self._reader:  # the connection may already carry another exchange
            self._link.reader = None

    def abort(self) -> None:
        """Closes it now, whatever is still to be written."""
        if self.protocol is not None and self.protocol.transport is not None:
            self.protocol.transport.abort()


CURRENT: ContextVar[Line | None] = ContextVar("CURRENT", default=None)
"""The exchange in whose name aiohttp looks for a connection."""


class Connector(aiohttp.TCPConnector):
    """Tells each exchange which connection it got."""

    async def connect(
        self, req: "ClientRequest", traces: "list[Trace]", timeout: aiohttp.ClientTimeout
    ) -> "Connection":
        connection = await super().connect(req, traces, timeout)
        line = CURRENT.get()
        if line is not None and connection.protocol is not None:
            line.take(connection.protocol)
        return connection

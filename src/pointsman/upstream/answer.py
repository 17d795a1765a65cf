"""An answer: one response while it arrives, from the parser's callbacks to whoever reads it."""

import asyncio
from typing import Protocol

import httptools

from pointsman.upstream import failures
from pointsman.upstream.failures import Circumstances
from pointsman.wire.head import Head, OversizeError
from pointsman.wire.headers import Headers

MAX_FIELDS = 1000
STALE_SECONDS = 5.0
"""A kept connection that ends later than this has carried the request: to ask again might cost twice."""
READ_BUFFER = 64 * 1024
"""Bytes that may wait here before the upstream is made to wait."""


class SurplusError(Exception):
    """Bytes beyond the answer's end."""


class Carrier(Protocol):
    """The connection that brings an answer."""

    def resume(self) -> None:
        """There is room again."""

    def end(self, answer: "Answer") -> None:
        """Nobody reads any longer."""


class Answer:
    """Implements the seam's `Incoming`; the parser of a connection fills it."""

    def __init__(self, carrier: Carrier, about: Circumstances) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.about = about
        self.headed = False
        """Whether the head is here."""
        self.whole = False
        """Whether the body's end is here."""
        self.reusable = False
        """Whether the connection can carry another exchange after this one."""
        self.size = 0
        """Bytes of the body that wait to be read."""
        self._carrier = carrier
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._head = Head(MAX_FIELDS)
        self._began = asyncio.get_running_loop().time()
        self._heard = False
        """Whether a single byte has come."""
        self._pieces: list[bytes] = []
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def failed(self) -> bool:
        """Whether the exchange has ended with an error."""
        return self._error is not None

    # Whoever reads

    async def head(self) -> None:
        """Returns once status and headers are here. Raises UnreachableError, SilenceError, GarbledError."""
        while not self.headed and self._error is None:
            await self._arrival()
        if not self.headed and self._error is not None:
            raise self._error

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises TruncatedError, SilenceError."""
        while not (self._pieces or self.whole or self._error):
            await self._arrival()
        if self._pieces:
            return self._take()
        if self._error is not None:
            raise self._error
        return b""

    def _take(self) -> bytes:
        pieces, full = self._pieces, self.size > READ_BUFFER
        self._pieces, self.size = [], 0
        if full:
            self._carrier.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _arrival(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    async def close(self) -> None:
        """Ends the exchange; what was not read to its end takes the connection with it, at once."""
        self._carrier.end(self)

    # The connection

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._heard = True
        try:
            self._parser.feed_data(data)
            self._head.fed(len(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, OversizeError) as error:
            self._break(error)
        self.wake()

    def wake(self) -> None:
        """Something has happened that somebody may be waiting for."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def lost(self, error: Exception | None) -> None:
        """The connection has ended; a body without length ends with it."""
        if self.whole or self._error is not None:
            return
        if not self.headed:
            self._error = failures.hung_up(self.about, stale=self._is_stale())
        elif error is None and not self._has_end():
            self.whole = True
        else:
            self._error = failures.broke_off(_words(error), self.about)
        self.wake()

    def silent(self) -> None:
        """A time limit has passed."""
        about = self.about
        self.fail(failures.fell_silent(about) if self.headed else failures.no_answer(about))

    def fail(self, error: Exception) -> None:
        """The exchange ends here; what has arrived can still be read."""
        if self._error is None and not self.whole:
            self._error = error
            self.wake()

    def _is_stale(self) -> bool:
        waited = asyncio.get_running_loop().time() - self._began
        return self.about.reused and not self._heard and waited < STALE_SECONDS

    def _break(self, error: Exception) -> None:
        self.reusable = False
        reason = error.__context__ if isinstance(error.__context__, OversizeError) else _reason(error)
        self.fail((failures.broke_off if self.headed else failures.not_http)(reason, self.about))

    def _has_end(self) -> bool:
        """Whether the framing tells where the body ends; else it is where the connection does."""
        return any(
            name == "content-length" or (name == "transfer-encoding" and "chunked" in value.lower())
            for name, value in self.headers
        )

    # httptools' callbacks

    def on_message_begin(self) -> None:
        """An answer; one is all that was asked for."""
        if self.whole:
            raise SurplusError

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or a trailer, which nobody asks for."""
        if self.headed:
            self._head.trailer(name, value)
        else:
            self._head.field(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole, unless it is only a word in between (RFC 9110, section 15.2)."""
        status = self._parser.get_status_code()
        if status >= 200:
            self.status, self.headers, self.headed = status, tuple(self._head.fields), True
        self._head.fields.clear()

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._head.tell()
        self._pieces.append(data)
        self.size += len(data)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self.headed:
            self.whole = True
            self.reusable = self._parser.should_keep_alive()


def _words(error: Exception | None) -> str:
    if error is None:
        return "it closed the connection"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _reason(error: Exception) -> str:
    if isinstance(error, httptools.HttpParserUpgrade):
        return "it wants to speak another protocol"
    return str(error) or type(error).__name__

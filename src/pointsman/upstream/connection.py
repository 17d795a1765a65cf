"""A connection to an upstream: HTTP/1.1, one exchange after the other, over httptools' parser.

The bytes of a request leave as they are given; nothing is added but `Host` and a length.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from pointsman.upstream.alarm import Alarm
from pointsman.upstream.answer import READ_BUFFER, Answer
from pointsman.upstream.failures import Circumstances

PIECE = 256 * 1024
"""Bytes of a body that are written at once, so that one write doesn't hold up the event loop."""
SLOWEST_UPLOAD = 32 * 1024
"""Bytes a second; an upload slower than that counts as silence."""


class Connection(asyncio.Protocol):
    """One connection.

    `free` is told after each exchange that leaves it ready for another one, `gone` once it has been closed.
    """

    def __init__(self, free: Callable[["Connection"], None], gone: Callable[["Connection"], None]) -> None:
        self._free = free
        self._gone = gone
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._alarm = Alarm(loop, self._too_late)
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._sending = False
        """Whether a part of the request is still to be written."""
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._paused = False

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    async def ask(self, head: bytes, body: bytes, about: Circumstances) -> Answer:
        """The answer's head to a request. Raises UnreachableError, SilenceError, GarbledError."""
        answer = self._answer = Answer(self, about)
        if self.closed:
            answer.lost(None)
        self._alarm.set(about.first_byte + len(body) / SLOWEST_UPLOAD)
        try:
            if len(body) <= READ_BUFFER:
                self._write(head + body)
            else:
                await self._upload(head, body, answer)
            await answer.head()
        except BaseException:
            self.abort()
            raise
        return answer

    def abort(self) -> None:
        """Closes it now, whatever is still to be written."""
        self._alarm.stop()
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Whoever reads has room again."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
            if self._answer is not None:
                self._alarm.set(self._answer.about.idle)

    def end(self, answer: Answer) -> None:
        """The exchange is over for its reader."""
        if answer is not self._answer:
            return
        self._answer = None
        self._alarm.rest()
        if answer.whole and answer.reusable and not self._sending and not self.closed:
            self.resume()
            self._free(self)
        else:
            self.abort()

    # Writing

    def _write(self, data: bytes | memoryview) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def _upload(self, head: bytes, body: bytes, answer: Answer) -> None:
        """Stops where the answer comes before the request is whole: a refusal, most likely."""
        self._sending = True
        self._write(head)
        rest = memoryview(body)
        while rest and not self.closed:
            if self._full:
                await self._room()
            if answer.headed or answer.failed:
                return
            self._write(rest[:PIECE])
            rest = rest[PIECE:]
        self._sending = False

    async def _room(self) -> None:
        self._writable = self._loop.create_future()
        try:
            await self._writable
        finally:
            self._writable = None

    def _go_on_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _too_late(self) -> None:
        answer = self._answer
        if answer is None or answer.whole:
            return
        if answer.size:  # it is the reader who is slow
            self._alarm.set(answer.about.idle)
            return
        answer.silent()
        self._go_on_writing()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer; such that nobody asked for end the connection."""
        answer = self._answer
        if answer is None:
            self.abort()
            return
        answer.feed(data)
        if answer.failed:
            self.abort()  # its reader may be slow to hear of it
        if not answer.headed:
            return
        self._alarm.set(answer.about.idle)
        if self._sending:
            self._go_on_writing()
        if answer.size > READ_BUFFER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The upstream reads more slowly than we write."""
        self._full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._full = False
        self._go_on_writing()

    def eof_received(self) -> None:
        """Nothing more comes; what was still to be written is not waited for."""
        if self._answer is not None:
            self._answer.lost(None)
        self._go_on_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._transport = None
        self._alarm.stop()
        if self._answer is not None:
            self._answer.lost(exc)
        self._go_on_writing()
        self._gone(self)

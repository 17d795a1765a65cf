"""The load: connections that ask one request after the other, and see that each answer is whole."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count as numbers
from typing import cast

import httptools

from bench.voices import VOICES

_ENDS = tuple(voice.last for voice in VOICES.values())
_TAIL = 32_768
"""Bytes of a body's end that are kept: more than the longest last frame has."""
PATIENCE = 60.0
"""Seconds for one answer."""


class BrokenError(Exception):
    """An answer that is not the expected one: nothing is measured with it."""


@dataclass
class Reply:
    """One answer; times in seconds since the request."""

    status: int = 0
    first: float = 0.0
    """Until the first byte of the body."""
    total: float = 0.0
    streamed: bool = False
    last: bytes = b""
    """The end of the body."""

    def check(self) -> None:
        """Raises BrokenError."""
        if self.status != 200:
            raise BrokenError(f"status {self.status}: {self.last[:500]!r}")
        if self.streamed and not any(end in self.last for end in _ENDS):
            raise BrokenError(f"the stream has no end: {self.last[-300:]!r}")


class Caller(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._reply = Reply()
        self._began = 0.0
        self._head: asyncio.Future[None] = self._loop.create_future()
        self._whole: asyncio.Future[None] = self._loop.create_future()

    async def ask(self, request: bytes) -> Reply:
        """The whole answer. Raises BrokenError."""
        self._start(request)
        async with asyncio.timeout(PATIENCE):
            await self._whole
        self._reply.check()
        return self._reply

    async def begin(self, request: bytes) -> None:
        """Returns with the body's first byte; the rest is not waited for."""
        self._start(request)
        async with asyncio.timeout(PATIENCE):
            await self._head

    def leave(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _start(self, request: bytes) -> None:
        if self._transport is None:
            raise BrokenError("the connection was closed")
        self._reply = Reply()
        self._head = self._loop.create_future()
        self._whole = self._loop.create_future()
        self._began = time.perf_counter()
        self._transport.write(request)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Reads on."""
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits is told."""
        self._transport = None
        for waiting in (self._head, self._whole):
            if not waiting.done():
                waiting.set_exception(BrokenError("the connection was closed in the middle"))
                waiting.exception()

    # httptools' callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notes whether this is a stream."""
        if name.lower() == b"content-type":
            self._reply.streamed = value.startswith(b"text/event-stream")

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self._head.done():
            self._reply.first = time.perf_counter() - self._began
            self._reply.status = self._parser.get_status_code()
            self._head.set_result(None)
        self._reply.last = (self._reply.last + data)[-_TAIL:]

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._reply.total = time.perf_counter() - self._began
        if not self._whole.done():
            self._whole.set_result(None)


@asynccontextmanager
async def callers(port: int, count: int):
    """`count` open connections."""
    loop = asyncio.get_running_loop()
    made: list[Caller] = []
    try:
        made += [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(count)]
        yield made
    finally:
        for caller in made:
            caller.leave()


async def rush(lines: Sequence[Caller], request: bytes, count: int, seconds: float) -> list[Reply]:
    """`count` requests over all connections, fewer if `seconds` run out first. Raises BrokenError."""
    return await rush_through(lines, (request,), count, seconds)


async def rush_through(
    lines: Sequence[Caller], requests: Sequence[bytes], count: int, seconds: float
) -> list[Reply]:
    """The same with one request after the other, from the first again after the last."""
    replies: list[Reply] = []
    end = time.perf_counter() + seconds
    turns: Iterator[int] = numbers()

    async def work(caller: Caller) -> None:
        while (turn := next(turns)) < count and time.perf_counter() < end:
            replies.append(await caller.ask(requests[turn % len(requests)]))

    async with asyncio.TaskGroup() as group:
        for caller in lines:
            group.create_task(work(caller))
    return replies

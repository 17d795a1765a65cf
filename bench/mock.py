"""The mock upstream: a process of its own that answers at once. `python -m bench.mock PORT_FILE`.

A model's name says what: `plain` (a short answer that is not streamed), `burst-N` (N events at once),
`paced-N` (N events, 100 a second), `held` (ten events, then silence).
"""

import asyncio
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import cast

import uvloop

from bench.voices import VOICES

PACE = 0.01
"""Seconds between two events of a paced stream."""
HELD = 10
"""Events of a held stream."""
PLAIN, HOLD = "plain", "held"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": ?"([^"]*)"')
_IN_PATH = re.compile(rb"/models/([^:? ]*):")
_DIALECTS = tuple((mark, name) for name, voice in VOICES.items() for mark in voice.marks)
_WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\ncontent-length: %d\r\n\r\n%s"
)
_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@lru_cache
def _whole(dialect: str) -> bytes:
    body = VOICES[dialect].whole()
    return _WHOLE % (len(body), body)


@lru_cache
def _pieces(dialect: str, count: int) -> tuple[bytes, ...]:
    """Each event as a chunk of its own, as servers write them."""
    return tuple(map(_chunked, VOICES[dialect].events(count)))


@lru_cache
def _burst(dialect: str, count: int) -> bytes:
    return _STREAM + b"".join(_pieces(dialect, count)) + _END


def asked(head: bytes, body: bytes) -> tuple[str, str]:
    """The dialect and the model of a request."""
    target = head[: head.index(b"\r\n")]
    dialect = next(name for mark, name in _DIALECTS if mark in target)
    model = _IN_PATH.search(target) or _MODEL.search(body)
    return dialect, model[1].decode() if model else PLAIN


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends a paced stream."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answers each request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(self._buffer, 0, end)
            size = end + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            head, body = bytes(self._buffer[:end]), bytes(self._buffer[end:size])
            del self._buffer[:size]
            self._answer(*asked(head, body))

    def _answer(self, dialect: str, model: str) -> None:
        assert self._transport is not None
        form, _, number = model.partition("-")
        if form == PLAIN:
            self._transport.write(_whole(dialect))
        elif form == "burst":
            self._transport.write(_burst(dialect, int(number)))
        elif form == HOLD:
            self._transport.write(_STREAM + b"".join(_pieces(dialect, HELD)[:-1]))
        else:
            self._transport.write(_STREAM)
            self._pace(list(_pieces(dialect, int(number)))[::-1], asyncio.get_running_loop().time())

    def _pace(self, rest: list[bytes], due: float) -> None:
        if self._transport is None:
            return
        self._transport.write(rest.pop())
        if rest:
            self._timer = asyncio.get_running_loop().call_at(due + PACE, self._pace, rest, due + PACE)
        else:
            self._transport.write(_END)


async def _serve(announce: Callable[[str], object]) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=2048)
    announce(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]).write_text))

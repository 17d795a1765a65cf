"""The floor: a bare byte proxy over uvicorn and aiohttp, the usual libraries. `bench.floor URL PORT_FILE`.

It forwards and does nothing else: what a Python gateway on those two cannot go below.
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
import uvloop

_HOP = frozenset({b"host", b"content-length", b"connection", b"transfer-encoding"})
_AUTO = ("accept", "accept-encoding", "user-agent", "content-type")

Message = MutableMapping[str, Any]


class Proxy:
    """The application."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_AUTO,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """One request there and back."""
        pieces: list[bytes] = []
        while True:
            message = await receive()
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in _HOP]
        url = self._upstream + scope["path"]
        async with self._open().post(url, data=b"".join(pieces), headers=headers) as response:
            kept = [(name.lower(), value) for name, value in response.raw_headers if name.lower() not in _HOP]
            length = response.headers.get("content-length")
            if length is not None:
                kept.append((b"content-length", length.encode()))
            await send({"type": "http.response.start", "status": response.status, "headers": kept})
            async for piece in response.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _serve(upstream: str, announce: Callable[[str], object]) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        Proxy(upstream),  # type: ignore[arg-type]  # uvicorn's own alias names its scopes one by one
        http="httptools",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
    announce(str(listening.getsockname()[1]))
    await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1], Path(sys.argv[2]).write_text))

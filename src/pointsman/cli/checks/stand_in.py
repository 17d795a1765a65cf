"""A stand-in for a provider: a server on loopback that says the same word to everybody, for nothing."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from pointsman.catalog.provider import Provider

MODEL = "stand-in"
_USAGE = b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
_HEAD = b'{"id":"1","created":1,"model":"stand-in",'
WHOLE = (
    _HEAD + b'"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},'
    b'"finish_reason":"stop"}],' + _USAGE + b"}"
)
_CHUNK = _HEAD + b'"object":"chat.completion.chunk","choices":['
STREAM = (
    b"data: " + _CHUNK + b'{"index":0,"delta":{"role":"assistant","content":"Hi"}}]}\n\n'
    b"data: " + _CHUNK + b'{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: " + _CHUNK + b"]," + _USAGE + b"}\n\ndata: [DONE]\n\n"
)
LISTED = b'{"object":"list","data":[{"id":"stand-in","object":"model"}]}'


@asynccontextmanager
async def stand_in() -> AsyncGenerator[str]:
    """Its address, as long as the block lasts."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def backend_of(url: str, rows: Mapping[str, Provider], engine: Provider) -> dict[str, object]:
    """The settings of a backend that is a stand-in: of the kind of server that speaks as the engine does."""
    dialect = next(iter(engine.dialects))
    row = next(each for each in rows.values() if each.compatible and dialect in each.dialects)
    return {"provider": row.name, "base_url": f"{url}/v1", "models": [MODEL], "dialects": [dialect]}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(_answer(*await _request(reader)))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # whoever asked has gone
    finally:
        writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return head, await reader.readexactly(int(fields.get(b"content-length", b"0")))


def _answer(head: bytes, body: bytes) -> bytes:
    streamed = b'"stream":true' in body.replace(b" ", b"")
    said = LISTED if head.startswith(b"GET") else STREAM if streamed else WHOLE
    media = b"text/event-stream" if said is STREAM else b"application/json"
    length = str(len(said)).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: " + media + b"\r\ncontent-length: " + length + b"\r\n\r\n" + said
    )

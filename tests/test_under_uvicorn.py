"""`pointsman.asgi:app` under uvicorn, with real connections on both sides."""

import asyncio
import contextlib
import json

import pytest
import uvicorn

from pointsman.asgi import Application
from pointsman.server.listening import open_sockets, port_of
from scripted import Gate, Upstream, json_reply, run, sse

pytestmark = pytest.mark.usefixtures("either_loop")

CHUNK = (
    b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m1","choices":[{"index":0,"delta":%b}]}'
)
FIRST, LAST = CHUNK % b'{"content":"hi"}', CHUNK % b'{},"finish_reason":"stop"'


@contextlib.asynccontextmanager
async def under_uvicorn(home, upstream):
    """The port on which uvicorn serves it."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(
        "version = 1\ndiscover = false\n[backends.desk]\nprovider = 'openai-compatible'\nmodels = ['m1']\n"
        f"base_url = '{upstream.url}/v1'\n"
    )
    config = uvicorn.Config(Application(), lifespan="on", log_config=None, ws="none", http="httptools")
    server = uvicorn.Server(config)
    sockets = open_sockets("127.0.0.1", 0)
    running = asyncio.ensure_future(server.serve(sockets))
    try:
        yield port_of(sockets)
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def asking(port, **fields):
    """Both ends of a connection on which a question has been asked."""
    question = {"model": "desk:m1", "messages": [{"role": "user", "content": "x"}], **fields}
    body = json.dumps(question).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    try:
        yield reader, writer
    finally:
        writer.close()


def test_an_answer_comes_as_it_is(home):
    async def scenario():
        async with (
            Upstream(json_reply({"id": "c1", "choices": []})) as upstream,
            under_uvicorn(home, upstream) as port,
            asking(port) as (reader, _),
        ):
            return await reader.read()

    said = run(scenario())

    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b'{"id": "c1", "choices": []}')


def test_a_stream_comes_piece_by_piece(home):
    async def scenario():
        gate = Gate()
        async with (
            Upstream(sse(FIRST, gate, LAST, b"data: [DONE]\n\n")) as upstream,
            under_uvicorn(home, upstream) as port,
            asking(port, stream=True) as (reader, _),
        ):
            begin = await reader.readuntil(b'"hi"')
            gate.open()
            return begin, await reader.read()

    begin, rest = run(scenario())

    assert begin.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"[DONE]" in rest


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_stops_the_upstream(home, stream):
    async def scenario():
        reply = sse(FIRST, Gate()) if stream else sse(Gate())
        async with Upstream(reply) as upstream, under_uvicorn(home, upstream) as port:
            async with asking(port, stream=stream) as (reader, writer):
                seen = await upstream.request()
                if stream:
                    await reader.readuntil(b'"hi"')
                writer.transport.abort()
                async with asyncio.timeout(2):
                    await seen.gone.wait()
            return seen.gone.is_set()

    assert run(scenario())

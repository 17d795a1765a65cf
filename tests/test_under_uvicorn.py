"""`pointsman.asgi:app` under uvicorn, with real connections on both sides."""

import asyncio
import contextlib
import json

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pointsman.asgi import Application
from pointsman.server.listening import open_sockets, port_of
from scripted import Gate, Upstream, json_reply, run, sse

pytestmark = pytest.mark.usefixtures("either_loop")

CHUNK = (
    b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m1","choices":[{"index":0,"delta":%b}]}'
)
FIRST, LAST = CHUNK % b'{"content":"hi"}', CHUNK % b'{},"finish_reason":"stop"'


@contextlib.asynccontextmanager
async def under_uvicorn(home, upstream, provider="openai-compatible"):
    """The port on which uvicorn serves it."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(
        f"version = 1\ndiscover = false\n[backends.desk]\nprovider = '{provider}'\nmodels = ['m1']\n"
        f"base_url = '{upstream.url}/v1'\n"
    )
    config = uvicorn.Config(
        Application(), lifespan="on", log_config=None, ws="websockets-sansio", http="httptools"
    )
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


RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m1", "output": []}
EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "status": "in_progress"}},
    {"type": "response.completed", "sequence_number": 1, "response": RESPONSE},
]


def said(*events):
    return sse(*(json.dumps(each).encode() if isinstance(each, dict) else each for each in events))


def create(text, **fields):
    return json.dumps(
        {"type": "response.create", "model": "desk:m1", "input": text, "store": False, **fields}
    )


@contextlib.asynccontextmanager
async def socket_under_uvicorn(home, upstream, path="/v1/responses", **options):
    async with (
        under_uvicorn(home, upstream, "openrouter") as port,
        connect(f"ws://127.0.0.1:{port}{path}", **options) as socket,
    ):
        yield socket


def test_a_websocket_carries_turns_and_remembers_the_latest(home, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-test")

    async def scenario():
        async with (
            Upstream(said(*EVENTS), said(*EVENTS)) as upstream,
            socket_under_uvicorn(home, upstream) as socket,
        ):
            await socket.send(create("a"))
            first = [json.loads(await socket.recv()) for _ in EVENTS]
            await socket.send(create("b", previous_response_id="resp_1"))
            await socket.recv()
            return first, upstream.requests[1].json()["input"]

    first, items = run(scenario())

    assert first == EVENTS
    assert [item["content"] for item in items] == ["a", "b"]


def test_a_websocket_s_client_that_leaves_stops_the_upstream(home, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-test")

    async def scenario():
        async with (
            Upstream(said(EVENTS[0], Gate())) as upstream,
            socket_under_uvicorn(home, upstream) as socket,
        ):
            await socket.send(create("a"))
            seen = await upstream.request()
            await socket.close()
            async with asyncio.timeout(2):
                await seen.gone.wait()
            return seen.gone.is_set()

    assert run(scenario())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/v1/messages", {}, 404), ("/v1/responses", {"Origin": "https://evil.example"}, 403)],
)
def test_a_websocket_that_may_not_be_is_refused_with_its_reason(home, monkeypatch, path, headers, status):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-test")

    async def scenario():
        async with Upstream() as upstream:
            with pytest.raises(InvalidStatus) as caught:
                async with socket_under_uvicorn(home, upstream, path, additional_headers=headers):
                    pass
            return caught.value.response

    answer = run(scenario())

    assert answer.status_code == status
    assert json.loads(answer.body)["error"]["message"]


def test_a_message_over_the_limit_of_bodies_ends_the_websocket(home, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-test")
    monkeypatch.setenv("POINTSMAN_MAX_BODY", "10 kB")

    async def scenario():
        async with Upstream() as upstream, socket_under_uvicorn(home, upstream) as socket:
            await socket.send(create("x" * 20_000))
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            return caught.value.rcvd.code

    assert run(scenario()) == 1009

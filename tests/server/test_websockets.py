"""WebSockets on our own line: messages whole, cut, compressed, too large; closes, pings, who leaves."""

import asyncio
import contextlib
import logging

import pytest
from hosted import hosting
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pointsman.canon.errors import MalformedError
from pointsman.server import websocket
from scripted import run, run_jumping

pytestmark = pytest.mark.usefixtures("either_loop")

LIMIT = 100_000


def ignore():
    """Nobody wants to know."""


class Echo:
    """Says back what it hears, and notes what it was told."""

    def __init__(self):
        self.heard = []
        self.left = asyncio.Event()
        self.retired = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, call):
        socket = await call.open_socket(LIMIT, (("x-more", "1"),))
        socket.watch(self.left.set, self.retired.set)
        while (message := await socket.receive()) is not None:
            self.heard.append(message)
            await socket.send(message)
        await socket.close(1000, "")
        await call.finish()
        self.ended.set()


@contextlib.asynccontextmanager
async def echoing(**options):
    echo = Echo()
    async with hosting(echo) as (host, port), connect(f"ws://127.0.0.1:{port}/x", **options) as client:
        yield client, echo, host


def test_messages_come_back_and_the_head_carries_our_fields():
    async def scenario():
        async with echoing() as (client, _echo, _):
            await client.send("hello")
            await client.send("wörld")
            said = await client.recv(), await client.recv()
            return (
                said,
                client.response.headers["x-more"],
                client.response.headers["sec-websocket-extensions"],
            )

    said, more, extensions = run(scenario())

    assert said == ("hello", "wörld")
    assert more == "1"
    assert "permessage-deflate" in extensions


@pytest.mark.parametrize("compression", ["deflate", None])
@settings(max_examples=15, deadline=None)
@given(parts=st.lists(st.text(max_size=300), min_size=1, max_size=5))
def test_a_message_in_fragments_is_one_message(compression, parts):
    async def scenario():
        async with echoing(compression=compression) as (client, _echo, _):
            await client.send(parts)
            return await client.recv()

    assert run(scenario()) == "".join(parts)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_message_over_the_limit_ends_the_connection_with_its_code(compression):
    async def scenario():
        async with echoing(compression=compression) as (client, echo, _):
            with contextlib.suppress(ConnectionClosed):
                await client.send("x" * (LIMIT + 1))
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            await echo.ended.wait()
            return caught.value.rcvd.code, echo.heard

    assert run(scenario()) == (1009, [])


def test_a_large_message_within_the_limit_passes():
    async def scenario():
        async with echoing(max_size=None) as (client, _echo, _):
            await client.send("x" * LIMIT)
            return len(await client.recv())

    assert run(scenario()) == LIMIT


def test_a_close_is_answered_and_told():
    async def scenario():
        async with echoing() as (client, echo, _):
            await client.close(1001, "bye")
            await echo.left.wait()
            await echo.ended.wait()
            return client.close_code

    assert run(scenario()) == 1001


def test_a_client_that_just_goes_is_noticed_at_once():
    async def scenario():
        async with echoing() as (client, echo, _):
            await client.send("a")
            await client.recv()
            client.transport.abort()
            async with asyncio.timeout(1):
                await echo.left.wait()
                await echo.ended.wait()

    run(scenario())


def test_a_ping_is_answered():
    async def scenario():
        async with echoing() as (client, _echo, _):
            async with asyncio.timeout(5):
                await (await client.ping())

    run(scenario())


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x81\x05hello", 1002),  # a client masks what it sends
        (b"\xf1\x80\0\0\0\0", 1002),
        (b"\x80\x80\0\0\0\0", 1002),
    ],
    ids=["unmasked", "reserved bits", "nothing to continue"],
)
def test_what_is_no_frame_ends_the_connection_with_its_code(raw, code):
    async def scenario():
        async with echoing(compression=None) as (client, _echo, _):
            client.transport.write(raw)
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            return caught.value.rcvd.code

    assert run(scenario()) == code


def test_a_client_that_answers_no_ping_is_given_up():
    async def scenario(loop):
        async with echoing(compression=None) as (client, echo, _):
            client.transport.pause_reading()
            for _ in range(websocket.MOST_MISSED + 1):
                loop.jump(websocket.PING_EVERY)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await echo.left.wait()
            client.transport.abort()

    run_jumping(scenario)


def test_a_client_that_reads_slowly_holds_up_whoever_writes():
    async def scenario():
        wrote, begun = [], asyncio.Event()

        async def floods(call):
            socket = await call.open_socket(LIMIT, ())
            socket.watch(ignore, ignore)
            for number in range(400):
                await socket.send(b"x" * 50_000)
                wrote.append(number)
                begun.set()
            await socket.close(1000, "")
            await call.finish()

        async with (
            hosting(floods) as (_, port),
            connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=1) as client,
        ):
            await begun.wait()
            for _ in range(2000):
                await asyncio.sleep(0)
            early = len(wrote)
            got = [len(message) async for message in client]
            return early, got

    early, got = run(scenario())

    assert early < 400
    assert got == [50_000] * 400


def test_a_host_that_ends_tells_whoever_holds_a_socket():
    async def scenario():
        async with echoing() as (client, echo, host):
            await client.send("a")
            await client.recv()
            host.end()
            await echo.retired.wait()
            await client.send("b")
            return await client.recv()

    assert run(scenario()) == "b"


@pytest.mark.parametrize(
    "fields",
    [
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n",
        b"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
    ],
    ids=["old version", "bad key", "no key"],
)
def test_a_handshake_that_is_none_is_refused_before_anything_is_said(fields):
    async def scenario():
        refused = asyncio.get_running_loop().create_future()

        async def opens(call):
            try:
                await call.open_socket(LIMIT, ())
            except MalformedError as error:
                refused.set_result((error.message, call.headed))
                await call.head(400, (("content-length", "0"),))
                await call.finish()

        async with hosting(opens) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            writer.write(head + fields + b"\r\n")
            said = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return said, await refused

    said, (message, headed) = run(scenario())

    assert said.startswith(b"HTTP/1.1 400")
    assert "no WebSocket" in message
    assert not headed


def test_a_refusal_before_the_handshake_is_plain_http():
    async def scenario():
        async def refuses(call):
            assert call.wants_socket
            await call.head(401, (("content-length", "2"),))
            await call.finish(b"no")

        async with hosting(refuses) as (_, port):
            with pytest.raises(InvalidStatus) as caught:
                async with connect(f"ws://127.0.0.1:{port}/"):
                    pass
            return caught.value.response.status_code, caught.value.response.body

    assert run(scenario()) == (401, b"no")


def test_nothing_that_is_said_stands_in_a_log(caplog):
    caplog.set_level(logging.INFO)
    secret = "sk-very-secret"

    async def scenario():
        async with echoing() as (client, _echo, _):
            await client.send(secret)
            await client.recv()

    run(scenario())

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("pointsman")]
    assert not [message for message in ours if secret in message]

"""WebSockets to upstreams: handshakes, TLS and proxies on the way, floods, ends, unasked words."""

import asyncio
import contextlib
from os import urandom

import pytest
from certificates import Authority
from lines import network, serving, tunnelling
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from pointsman.canon.errors import UnreachableError
from pointsman.upstream.transport import Outgoing
from scripted import Upstream, json_reply, run

pytestmark = pytest.mark.usefixtures("either_loop")

HEADERS = (("authorization", "Bearer x"), ("x-more", "1"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


async def echo(connection):
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


@contextlib.asynccontextmanager
async def socket_to(play, *, target="/v1/responses", tls=None, **fields):
    """A WebSocket to a server that does what `play(connection)` says; None where there is none."""
    async with serve(play, "127.0.0.1", 0, max_size=None, ssl=tls) as server, network() as transport:
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if tls else "http"
        outgoing = Outgoing("POST", f"{scheme}://127.0.0.1:{port}{target}", (), **fields)
        yield await transport.open_socket(outgoing, HEADERS)


def test_the_handshake_has_our_fields_and_the_path_byte_for_byte():
    async def scenario():
        seen = asyncio.get_running_loop().create_future()

        async def play(connection):
            seen.set_result(connection.request)
            await echo(connection)

        async with socket_to(play, target="/v1/a%2Fb?c=%3A") as socket:
            await socket.send(b"hello")
            return await socket.receive(), await seen

    said, request = run(scenario())

    assert said == b"hello"
    assert request.path == "/v1/a%2Fb?c=%3A"
    assert request.headers["authorization"] == "Bearer x"
    assert request.headers["x-more"] == "1"


def test_it_goes_over_tls_that_the_ca_file_vouches_for(authority):
    async def scenario():
        async with socket_to(echo, tls=authority.server(), ca_file=authority.ca_file) as socket:
            await socket.send(b"hello")
            return await socket.receive()

    assert run(scenario()) == b"hello"


def test_a_certificate_that_nobody_vouches_for_is_refused(authority):
    async def scenario():
        with pytest.raises(UnreachableError):
            async with socket_to(echo, tls=authority.server()):
                pass

    run(scenario())


def test_it_goes_through_a_proxy_that_tunnels_and_not_through_one_that_does_not(authority):
    async def scenario():
        requests = []
        async with tunnelling(requests) as place:
            tls, proxy = authority.server(), f"http://{place}"
            async with socket_to(echo, tls=tls, ca_file=authority.ca_file, proxy=proxy) as socket:
                await socket.send(b"hello")
                said = await socket.receive()
            async with socket_to(echo, proxy=proxy) as none:
                return said, none, len(requests)

    assert run(scenario()) == (b"hello", None, 1)


@pytest.mark.parametrize("status", [401, 404, 426, 500])
def test_an_upstream_without_sockets_gives_none(status):
    async def scenario():
        async with Upstream(json_reply({"error": "no"}, status)) as upstream, network() as transport:
            return await transport.open_socket(Outgoing("POST", upstream.url, ()), HEADERS)

    assert run(scenario()) is None


@pytest.mark.parametrize("said", [b"", b"no http at all\r\n\r\n"], ids=["hangs up", "speaks something else"])
def test_what_is_no_handshake_gives_none(said):
    async def scenario():
        async def play(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await writer.drain()

        async with serving(play) as port, network() as transport:
            return await transport.open_socket(Outgoing("POST", f"http://127.0.0.1:{port}/", ()), HEADERS)

    assert run(scenario()) is None


def test_a_handshake_that_never_ends_gives_none_in_time():
    async def scenario():
        async def play(reader, _):
            await reader.read()

        async with serving(play) as port, network() as transport:
            outgoing = Outgoing("POST", f"http://127.0.0.1:{port}/", (), connect=0.05)
            return await transport.open_socket(outgoing, HEADERS)

    assert run(scenario()) is None


def test_a_flood_waits_until_it_is_read():
    async def scenario():
        sent = []

        async def play(connection):
            await connection.recv()
            for number in range(400):
                await connection.send(urandom(25_000).hex())  # which does not shrink
                sent.append(number)

        async with socket_to(play) as socket:
            await socket.send(b"go")
            got = [len(await socket.receive())]
            for _ in range(3000):
                await asyncio.sleep(0)
            early = len(sent)
            got += [len(await socket.receive()) for _ in range(399)]
            return early, got

    early, got = run(scenario())

    assert early < 400
    assert got == [50_000] * 400


def test_a_connection_that_ends_gives_what_came_before_and_then_none():
    async def scenario():
        async def play(connection):
            await connection.send(await connection.recv())
            connection.transport.abort()

        async with socket_to(play) as socket:
            await socket.send(b"hello")
            return await socket.receive(), await socket.receive(), socket.closed

    assert run(scenario()) == (b"hello", None, True)


def test_a_word_that_nobody_asked_for_ends_it():
    async def scenario():
        told, ended = asyncio.Event(), asyncio.Event()

        async def play(connection):
            await told.wait()
            await connection.send('{"type": "error"}')
            await connection.wait_closed()
            ended.set()

        async with socket_to(play) as socket:
            told.set()
            await ended.wait()
            return socket.closed

    assert run(scenario())


def test_a_transport_that_is_closed_leaves_no_socket_open():
    async def scenario():
        ended = asyncio.Event()

        async def play(connection):
            await connection.wait_closed()
            ended.set()

        async with serve(play, "127.0.0.1", 0) as server:
            async with network() as transport:
                port = server.sockets[0].getsockname()[1]
                await transport.open_socket(Outgoing("POST", f"http://127.0.0.1:{port}/", ()), HEADERS)
            await ended.wait()

    run(scenario())

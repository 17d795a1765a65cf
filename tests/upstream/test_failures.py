"""What goes wrong on the network, and the error it becomes."""

import asyncio
import socket

import pytest
from lines import network

from pointsman.canon.errors import GarbledError, SilenceError, StaleError, TruncatedError, UnreachableError
from pointsman.upstream import failures
from pointsman.upstream.failures import Circumstances
from pointsman.upstream.transport import Outgoing
from scripted import CLOSE, HANG, RESET, Gate, Reply, Upstream, json_reply, run, run_jumping, sse

pytestmark = pytest.mark.usefixtures("either_loop")

ABOUT = Circumstances(
    host="api.example.com", connect=10, first_byte=300, idle=60, proxy="proxy.example.com:3128"
)


async def read_all(incoming):
    pieces = []
    try:
        while piece := await incoming.read():
            pieces.append(piece)
    finally:
        await incoming.close()
    return pieces


def exchange(reply, **limits):
    async def scenario():
        async with Upstream(reply) as upstream, network() as transport:
            return await read_all(await transport.send(Outgoing("POST", upstream.url, (), b"{}", **limits)))

    return run(scenario())


def test_nothing_listening_is_unreachable_and_names_the_address():
    async def scenario():
        async with Upstream() as upstream:
            url = upstream.url
        async with network() as transport:
            await transport.send(Outgoing("GET", f"{url}/v1/models?key=secret", ()))

    with pytest.raises(
        UnreachableError, match=r"no connection to 127\.0\.0\.1:\d+, nothing listens"
    ) as caught:
        run(scenario())

    assert "secret" not in caught.value.message
    assert not isinstance(caught.value, StaleError)


def test_a_connection_closed_before_the_head_is_unreachable():
    with pytest.raises(UnreachableError, match="closed the connection without an answer") as caught:
        exchange(Reply(before=[CLOSE]))

    assert not isinstance(caught.value, StaleError)


def test_a_connection_broken_before_the_head_is_unreachable():
    with pytest.raises(UnreachableError, match="closed the connection without an answer"):
        exchange(Reply(before=[RESET]))


@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_kept_connection_that_turns_out_closed_is_stale(end):
    async def scenario():
        async with Upstream(json_reply({}), Reply(before=[end])) as upstream, network() as transport:
            request = Outgoing("POST", upstream.url, (), b"{}")
            await read_all(await transport.send(request))
            try:
                await transport.send(request)
            finally:
                assert [seen.connection for seen in upstream.requests] == [0, 0]

    with pytest.raises(StaleError, match="can be sent again"):
        run(scenario())


def test_a_kept_connection_that_was_closed_in_time_is_not_used():
    async def scenario():
        async with Upstream(json_reply({}), json_reply({})) as upstream, network() as transport:
            request = Outgoing("POST", upstream.url, (), b"{}")
            await read_all(await transport.send(request))
            upstream.close_idle()
            await upstream.idle.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            await read_all(await transport.send(request))
            return upstream.connections

    assert run(scenario()) == 2


@pytest.mark.parametrize(
    "reply",
    [
        sse(b'{"n":1}', end=[CLOSE]),
        sse(b'{"n":1}', end=[RESET]),
        Reply(200, (("content-length", "100"),), b"short"),
        Reply(body=[b"no length", RESET], chunked=False),
    ],
    ids=["no last chunk", "reset", "shorter than its length", "reset without a length"],
)
def test_an_answer_that_breaks_off_is_truncated(reply):
    with pytest.raises(TruncatedError, match=r"127\.0\.0\.1:\d+ broke off"):
        exchange(reply)


def test_what_arrived_before_the_break_is_given_out_first():
    async def scenario():
        gate = Gate()
        reply = sse(gate, b'{"n":1}', b'{"n":2}', end=[CLOSE])
        async with Upstream(reply) as upstream, network() as transport:
            incoming = await transport.send(Outgoing("GET", upstream.url, ()))
            gate.open()
            await upstream.idle.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            piece = await incoming.read()
            with pytest.raises(TruncatedError):
                await incoming.read()
            await incoming.close()
            return piece

    assert run(scenario()) == b'data: {"n":1}\n\ndata: {"n":2}\n\n'


def test_a_chunk_without_a_length_cuts_the_answer():
    async def scenario():
        gate = Gate()
        body = [b"5\r\nhello\r\n", gate, b"not a length\r\n", HANG]
        reply = Reply(200, (("transfer-encoding", "chunked"),), body)
        async with Upstream(reply) as upstream, network() as transport:
            incoming = await transport.send(Outgoing("GET", upstream.url, ()))
            assert await incoming.read() == b"hello"
            gate.open()
            await read_all(incoming)

    with pytest.raises(TruncatedError, match="broke off"):
        run(scenario())


def test_a_long_answer_without_length_is_whole_for_a_slow_reader():
    size = 8 * 1024 * 1024

    async def scenario():
        async with Upstream(Reply(body=[bytes(size)], chunked=False)) as upstream, network() as transport:
            incoming = await transport.send(Outgoing("GET", upstream.url, ()))
            received = 0
            while piece := await incoming.read():
                received += len(piece)
                for _ in range(20):
                    await asyncio.sleep(0)
            await incoming.close()
            return received

    assert run(scenario()) == size


def test_an_answer_without_length_ends_with_its_connection():
    assert b"".join(exchange(Reply(body=[b"all ", b"of it"], chunked=False))) == b"all of it"


def silence(reply, seconds, **limits):
    """The error when the clock moves on by `seconds` while the server stands at its gate."""

    async def scenario(loop):
        gate = reply.before[0] if reply.before else reply.body[-1]
        async with Upstream(reply) as upstream, network() as transport:

            async def ask():
                return await read_all(
                    await transport.send(Outgoing("POST", upstream.url, (), b"{}", **limits))
                )

            asking = asyncio.ensure_future(ask())
            await gate.reached.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            loop.jump(seconds)
            await asyncio.wait([asking])
            return asking.exception()

    return run_jumping(scenario)


def test_no_head_in_time_is_silence():
    error = silence(Reply(before=[Gate()]), 31, first_byte=30, idle=900)

    assert isinstance(error, SilenceError)
    assert "has not begun to answer within 30 s" in error.message
    assert "`timeouts.first_byte`" in error.message


def test_a_gap_in_the_answer_is_silence():
    error = silence(sse(b'{"n":1}', Gate()), 61, first_byte=900, idle=60)

    assert isinstance(error, SilenceError)
    assert "127.0.0.1:" in error.message
    assert "fell silent for 60 s" in error.message


def test_a_head_without_a_body_in_time_is_silence():
    error = silence(sse(Gate()), 61, first_byte=900, idle=60)

    assert isinstance(error, SilenceError)


def test_a_head_that_comes_drop_by_drop_is_silence_all_the_same():
    async def scenario(loop):
        gates = [Gate() for _ in range(6)]
        drops = [
            step for gate in gates for step in (b"HTTP/1.1 200 OK\r\n" if gate is gates[0] else b"x", gate)
        ]
        async with Upstream(Reply(before=drops)) as upstream, network() as transport:
            asking = asyncio.ensure_future(
                transport.send(Outgoing("GET", upstream.url, (), connect=5, first_byte=30))
            )
            for gate in gates[:-1]:
                await gate.reached.wait()
                for _ in range(20):
                    await asyncio.sleep(0)
                if asking.done():
                    break
                loop.jump(20)
                gate.open()
            await asyncio.wait([asking])
            return asking.exception()

    assert isinstance(run_jumping(scenario), SilenceError)


def test_a_server_that_takes_no_body_is_silence():
    async def scenario(loop):
        connected, done = asyncio.Event(), asyncio.Event()

        async def never_reads(reader, writer):
            writer.transport.pause_reading()
            connected.set()
            await done.wait()
            writer.transport.abort()

        server = await asyncio.start_server(never_reads, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        body = bytes(32 * 1024 * 1024)
        async with server, network() as transport:
            asking = asyncio.ensure_future(transport.send(Outgoing("POST", url, (), body, first_byte=30)))
            await connected.wait()
            loop.jump(3600)
            await asyncio.wait([asking])
            done.set()
            return asking.exception()

    assert isinstance(run_jumping(scenario), SilenceError)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(5000)) + b"\r\n",
    ],
    ids=["another protocol", "a huge field", "too many fields"],
)
def test_what_is_not_http_as_we_take_it_is_garbled(raw):
    with pytest.raises(GarbledError, match="is not HTTP as pointsman takes it"):
        exchange(Reply(before=[raw, HANG]))


def test_a_long_but_usual_header_is_taken():
    policy = "default-src 'self' " * 1000

    assert exchange(Reply(200, (("content-security-policy", policy),), b"ok")) == [b"ok"]


def test_a_proxy_that_refuses_is_named_with_what_to_do():
    async def scenario():
        async with Upstream(Reply(407)) as proxy, network() as transport:
            with pytest.raises(UnreachableError) as caught:
                await transport.send(Outgoing("GET", "https://api.example.com/v1", (), proxy=proxy.url))
            return caught.value.message, proxy.requests[0]

    message, seen = run(scenario())

    assert "the proxy 127.0.0.1:" in message
    assert "answers 407; give it credentials" in message
    assert (seen.method, seen.target) == ("CONNECT", "api.example.com:443")


def test_a_proxy_that_is_not_there_is_named():
    async def scenario():
        async with Upstream() as proxy:
            url = proxy.url
        async with network() as transport:
            await transport.send(Outgoing("GET", "http://api.example.com/v1", (), proxy=url))

    with pytest.raises(UnreachableError, match=r"no connection to the proxy 127\.0\.0\.1:\d+ on the way to"):
        run(scenario())


def test_a_name_that_nobody_knows_is_told_apart():
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    explained = failures.no_connection(error, ABOUT)

    assert "api.example.com, its name is not known" in explained.message


def test_a_connection_that_takes_too_long_names_the_proxy_on_the_way():
    explained = failures.no_connection_in_time(ABOUT)

    assert "within 10 s" in explained.message
    assert "through the proxy proxy.example.com:3128" in explained.message


def test_what_the_system_says_stands_in_for_a_reason_that_is_not_known():
    explained = failures.no_connection(OSError(99, "Cannot assign requested address"), ABOUT)

    assert "api.example.com, Cannot assign requested address" in explained.message

"""The network transport against a real server: each default that would bend an exchange is off."""

import asyncio
import contextlib
import gzip

import pytest
from lines import network, whole

from pointsman.canon.errors import UnreachableError
from pointsman.upstream.transport import Outgoing
from scripted import Gate, Reply, Upstream, json_reply, run, run_jumping, sse

pytestmark = pytest.mark.usefixtures("either_loop")

BIG = 64 * 1024 * 1024


def outgoing(upstream, path="/v1/chat/completions", body=b"{}", headers=(), **limits):
    return Outgoing("POST", upstream.url + path, tuple(headers), body, **limits)


async def ask(upstream, transport, *args, **kwargs):
    incoming = await transport.send(outgoing(upstream, *args, **kwargs))
    return incoming, await whole(incoming)


def exchange(reply, *args, **kwargs):
    """One exchange: what the transport returned, what the server saw."""

    async def scenario():
        async with Upstream(reply) as upstream, network() as transport:
            incoming, body = await ask(upstream, transport, *args, **kwargs)
            return incoming, body, upstream.requests[0]

    return run(scenario())


def test_a_stream_may_last_longer_than_any_total_limit():
    async def scenario(loop):
        gate = Gate()
        async with Upstream(sse(b'{"n":1}', gate, b'{"n":2}')) as upstream, network() as transport:
            incoming = await transport.send(outgoing(upstream, first_byte=10, idle=900))
            first = await incoming.read()
            await gate.reached.wait()
            loop.jump(600)
            await asyncio.sleep(0)
            gate.open()
            return first, await whole(incoming)

    first, rest = run_jumping(scenario)

    assert b'{"n":1}' in first
    assert b'{"n":2}' in rest


def test_more_than_a_hundred_requests_run_at_once():
    async def scenario():
        gate = Gate()
        reply = Reply(before=[gate], body=b"ok")
        async with Upstream(always=reply) as upstream, network() as transport:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask(upstream, transport)) for _ in range(130)]
                await upstream.request(129)
                gate.open()
            return [task.result()[1] for task in tasks]

    assert run(scenario()) == [b"ok"] * 130


def test_percent_encoding_goes_out_as_it_stands():
    path = "/v1/models/us.anthropic%3Aclaude%2fx//../a%20b/:run?q=%7e%E2%82%ac+%2B&k=a%26b"

    _, _, seen = exchange(json_reply({}), path)

    assert seen.target == path


def test_cookies_are_never_sent_back():
    async def scenario():
        replies = [json_reply({}, headers=[("set-cookie", "session=1; Path=/")]), json_reply({})]
        async with Upstream(*replies) as upstream, network() as transport:
            await ask(upstream, transport)
            await ask(upstream, transport)
            return [seen.header("cookie") for seen in upstream.requests]

    assert run(scenario()) == [None, None]


def test_a_coded_body_comes_in_as_it_is():
    coded = gzip.compress(b'{"ok": true}')

    incoming, body, _ = exchange(Reply(200, (("content-encoding", "gzip"),), coded))

    assert body == coded
    assert ("content-encoding", "gzip") in incoming.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(status):
    async def scenario():
        async with Upstream(always=json_reply({})) as other, Upstream() as upstream, network() as transport:
            upstream.then(Reply(status, (("location", f"{other.url}/v1/x"),)))
            incoming, _ = await ask(upstream, transport, headers=[("authorization", "Bearer secret")])
            return incoming.status, other.requests

    assert run(scenario()) == (status, [])


def test_nothing_is_added_to_the_header_but_host_and_length():
    fields = [("authorization", "Bearer k"), ("x-twice", "1"), ("x-twice", "2")]

    _, _, seen = exchange(json_reply({}), headers=fields)

    assert seen.headers[1:] == [*fields, ("Content-Length", "2")]
    assert seen.headers[0][0] == "Host"


def test_a_user_agent_and_a_content_type_go_out_as_given():
    fields = [("user-agent", "claude-cli/2.1"), ("content-type", "application/json"), ("accept", "*/*")]

    _, _, seen = exchange(json_reply({}), headers=fields)

    assert seen.headers[1:4] == fields


def test_a_get_has_no_body_and_no_length():
    async def scenario():
        async with Upstream(json_reply({})) as upstream, network() as transport:
            await whole(await transport.send(Outgoing("GET", f"{upstream.url}/v1/models", ())))
            return upstream.requests[0]

    seen = run(scenario())

    assert [name for name, _ in seen.headers] == ["Host"]


def test_a_length_among_the_given_fields_does_not_count():
    _, _, seen = exchange(json_reply({}), headers=[("content-length", "999"), ("host", "elsewhere")])

    assert seen.body == b"{}"
    assert seen.header("host").startswith("127.0.0.1:")


def test_a_large_body_arrives_whole():
    body = bytes(range(256)) * 16 * 1024

    _, _, seen = exchange(json_reply({}), body=body)

    assert seen.body == body


def test_header_fields_come_in_order_in_lower_case_and_byte_for_byte():
    reply = Reply(200, (("X-B", "1"), ("Request-ID", "abc"), ("X-B", "caf\xe9")), b"")

    incoming, _, _ = exchange(reply)

    assert incoming.headers[:3] == (("x-b", "1"), ("request-id", "abc"), ("x-b", "caf\xe9"))


def test_a_connection_is_used_again_once_the_body_was_read():
    async def scenario():
        async with Upstream(always=sse(b'{"n":1}')) as upstream, network() as transport:
            await ask(upstream, transport)
            await ask(upstream, transport)
            return upstream.connections

    assert run(scenario()) == 1


def test_pieces_come_as_they_arrive():
    async def scenario():
        gates = [Gate(), Gate()]
        reply = sse(b'{"n":1}', gates[0], b'{"n":2}', gates[1], b'{"n":3}')
        pieces = []
        async with Upstream(reply) as upstream, network() as transport:
            incoming = await transport.send(outgoing(upstream))
            for gate in gates:
                pieces.append(await incoming.read())
                gate.open()
            pieces.append(await whole(incoming))
            return pieces

    assert run(scenario()) == [b'data: {"n":1}\n\n', b'data: {"n":2}\n\n', b'data: {"n":3}\n\n']


def test_a_read_that_was_cancelled_loses_nothing():
    async def scenario():
        gate = Gate()
        async with Upstream(sse(gate, b'{"n":1}')) as upstream, network() as transport:
            incoming = await transport.send(outgoing(upstream))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await incoming.read()
            gate.open()
            return await whole(incoming)

    assert run(scenario()) == b'data: {"n":1}\n\n'


def test_an_upstream_is_not_read_faster_than_its_answer_is_taken():
    async def scenario():
        async with Upstream(Reply(body=bytes(16 * 1024 * 1024))) as upstream, network() as transport:
            incoming = await transport.send(outgoing(upstream))
            sizes = []
            while piece := await incoming.read():
                sizes.append(len(piece))
                for _ in range(50):
                    await asyncio.sleep(0)
            return sizes

    sizes = run(scenario())

    assert sum(sizes) == 16 * 1024 * 1024
    assert max(sizes) <= 1024 * 1024


def leaves(reply, leave):
    """How long after `leave` the server sees the client gone."""

    async def scenario():
        async with Upstream(reply) as upstream, network() as transport:
            left_at = await leave(upstream, transport)
            seen = await upstream.request()
            await seen.gone.wait()
            return seen.gone_at - left_at

    return run(scenario())


def test_closing_before_the_first_piece_closes_the_connection_at_once():
    async def leave(upstream, transport):
        incoming = await transport.send(outgoing(upstream))
        await incoming.close()
        return asyncio.get_running_loop().time()

    assert leaves(sse(Gate()), leave) < 1


def test_closing_in_the_middle_closes_the_connection_at_once():
    async def leave(upstream, transport):
        incoming = await transport.send(outgoing(upstream))
        await incoming.read()
        await incoming.close()
        return asyncio.get_running_loop().time()

    assert leaves(sse(b'{"n":1}', Gate()), leave) < 1


def test_cancelling_before_the_head_closes_the_connection_at_once():
    async def leave(upstream, transport):
        sending = asyncio.ensure_future(transport.send(outgoing(upstream)))
        await upstream.request()
        sending.cancel()
        await asyncio.wait([sending])
        return asyncio.get_running_loop().time()

    assert leaves(Reply(before=[Gate()]), leave) < 1


def test_cancelling_closes_the_connection_even_while_a_body_is_stuck_on_its_way():
    async def scenario():
        arrived, cancelled, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        received = []

        async def slow_reader(reader, writer):
            writer.transport.pause_reading()
            arrived.set()
            await cancelled.wait()
            writer.transport.resume_reading()
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(65536):
                    received.append(len(piece))
            writer.close()
            ended.set()

        server = await asyncio.start_server(slow_reader, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, network() as transport:
            sending = asyncio.ensure_future(transport.send(Outgoing("POST", url, (), bytes(BIG))))
            await arrived.wait()
            sending.cancel()
            await asyncio.wait([sending])
            cancelled.set()
            await ended.wait()
        return sum(received)

    assert run(scenario()) < BIG


def test_a_connection_left_in_the_middle_is_not_used_again():
    async def scenario():
        async with Upstream(sse(b'{"n":1}', Gate()), json_reply({})) as upstream, network() as transport:
            incoming = await transport.send(outgoing(upstream))
            await incoming.close()
            await ask(upstream, transport)
            return upstream.connections

    assert run(scenario()) == 2


def test_a_proxy_is_asked_for_the_whole_url():
    async def scenario():
        async with Upstream(json_reply({"by": "proxy"})) as proxy, network() as transport:
            request = Outgoing("GET", "http://api.example.com/v1/models?a=%3A", (), proxy=proxy.url)
            body = await whole(await transport.send(request))
            return body, proxy.requests[0]

    body, seen = run(scenario())

    assert body == b'{"by": "proxy"}'
    assert seen.target == "http://api.example.com/v1/models?a=%3A"
    assert seen.header("host") == "api.example.com"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "example.com/v1", "", "http://", "http://user:pass@example.com/"]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url):
    async def scenario():
        async with network() as transport:
            await transport.send(Outgoing("GET", url, ()))

    with pytest.raises(UnreachableError) as caught:
        run(scenario())

    assert "pass@" not in caught.value.message

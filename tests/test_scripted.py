"""The scripted upstream itself, over a bare socket."""

import asyncio
import urllib.request

import pytest

from scripted import CLOSE, HANG, RESET, Gate, Reply, Upstream, cut, json_reply, run, sse

REQUEST = b"POST /v1/x?y=%3A HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}"


async def exchange(upstream, size=65536):
    reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
    writer.write(REQUEST)
    return reader, writer


def test_it_plays_its_script_over_one_connection_and_keeps_what_it_saw():
    async def scenario():
        async with Upstream(json_reply({"n": 1}), sse(b'{"n":2}', b"[DONE]")) as upstream:
            reader, writer = await exchange(upstream)
            first = await reader.readuntil(b'{"n": 1}')
            writer.write(REQUEST)
            second = await reader.readuntil(b"0\r\n\r\n")
            writer.close()
            return first, second, upstream.requests

    first, second, requests = run(scenario())

    assert first.startswith(b"HTTP/1.1 200 ")
    assert b'data: {"n":2}\n\n' in second
    assert [r.connection for r in requests] == [0, 0]
    assert requests[0].target == "/v1/x?y=%3A"
    assert requests[0].headers == [("Host", "a"), ("X-One", "1"), ("Content-Length", "2")]
    assert requests[0].body == b"{}"


def test_a_gate_holds_the_reply_until_it_is_opened():
    async def scenario():
        gate = Gate()
        async with Upstream(Reply(body=[b"one", gate, b"two"], chunked=False)) as upstream:
            reader, writer = await exchange(upstream)
            held = await reader.readuntil(b"one")
            await gate.reached.wait()
            gate.open()
            rest = await reader.read()
            writer.close()
            return held, rest

    held, rest = run(scenario())

    assert held.endswith(b"\r\n\r\none")
    assert rest == b"two"


def test_it_reports_the_moment_the_client_leaves():
    async def scenario():
        async with Upstream(Reply(before=[HANG])) as upstream:
            _, writer = await exchange(upstream)
            seen = await upstream.request()
            left_at = asyncio.get_running_loop().time()
            writer.close()
            await seen.gone.wait()
            return left_at, seen

    left_at, seen = run(scenario())

    assert 0 <= seen.gone_at - left_at < 1
    assert not seen.finished.is_set()


def test_a_reset_breaks_the_connection():
    async def scenario():
        async with Upstream(sse(b'{"a":1}', end=[RESET])) as upstream:
            reader, _ = await exchange(upstream)
            await reader.read()

    with pytest.raises(ConnectionResetError):
        run(scenario())


def test_a_close_ends_the_connection_without_the_last_chunk():
    async def scenario():
        async with Upstream(sse(b'{"a":1}', end=[CLOSE])) as upstream:
            reader, writer = await exchange(upstream)
            data = await reader.read()
            writer.close()
            return data

    assert run(scenario()).endswith(b'data: {"a":1}\n\n\r\n')


def test_data_is_cut_where_asked():
    assert cut(b"abcdef", 1, 4) == [b"a", b"bcd", b"ef"]


def test_in_a_thread_it_serves_clients_that_block(threaded_upstream):
    threaded_upstream.then(json_reply({"ok": True}))

    with urllib.request.urlopen(threaded_upstream.url) as response:
        assert response.read() == b'{"ok": true}'

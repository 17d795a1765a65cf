"""One connection, exchange after exchange: what keeps it, what ends it, and the ways that lead to it."""

import asyncio

import pytest
from certificates import Authority
from lines import get, network, refused_in_an_upload, serving, tunnelling, whole

from pointsman.canon.errors import GarbledError, SetupError, UnreachableError
from pointsman.upstream.transport import Outgoing
from scripted import HANG, Gate, Reply, Upstream, json_reply, run, run_jumping

pytestmark = pytest.mark.usefixtures("either_loop")

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def answered(*raw):
    """What comes of an answer that is sent byte by byte as it stands."""

    async def scenario():
        reply = Reply(before=[*raw, HANG])
        async with Upstream(reply) as upstream, network() as transport:
            incoming = await transport.send(Outgoing("GET", upstream.url, ()))
            return incoming, await whole(incoming)

    return run(scenario())


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 3]
)
def test_a_word_in_between_is_not_the_answer(interim):
    incoming, body = answered(interim, HEAD + b"ok")

    assert incoming.status == 200
    assert incoming.headers == (("content-length", "2"),)
    assert body == b"ok"


def test_another_protocol_is_not_spoken():
    with pytest.raises(GarbledError, match="wants to speak another protocol"):
        answered(b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello")


def test_a_head_that_never_ends_is_bounded():
    with pytest.raises(GarbledError, match="its header has over"):
        answered(b"HTTP/1.1 200 OK\r\nx: ", *[b"a" * 65536] * 8)


def test_trailers_are_bounded_and_never_part_of_the_head():
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"

    incoming, body = answered(chunked + b"x-trailer: 1\r\n\r\n")

    assert incoming.headers == (("transfer-encoding", "chunked"),)
    assert body == b"ok"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_may_end_as_older_servers_end_them(end):
    incoming, body = answered(HEAD.replace(b"\r\n", end) + b"ok")

    assert (incoming.status, body) == (200, b"ok")


def test_bytes_beyond_the_answer_end_the_connection():
    async def scenario():
        async with Upstream(Reply(before=[HEAD + b"ok" + HEAD, HANG]), json_reply({})) as upstream:
            async with network() as transport:
                first = await get(transport, upstream.url)
                await get(transport, upstream.url)
            return first, upstream.connections

    assert run(scenario()) == (b"ok", 2)


def test_bytes_that_nobody_asked_for_end_a_kept_connection():
    async def scenario():
        said = Gate()

        async def play(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + b"ok")
            await said.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
            rest.set_result(await reader.read())
            writer.close()

        rest = asyncio.get_running_loop().create_future()
        async with serving(play) as port, network() as transport:
            await get(transport, f"http://127.0.0.1:{port}/")
            said.open()
            return await rest

    assert run(scenario()) == b""


def test_a_kept_connection_is_given_up_after_a_while():
    async def scenario(loop):
        async with Upstream(json_reply({}), json_reply({})) as upstream, network() as transport:
            await get(transport, upstream.url)
            loop.jump(61)
            await upstream.idle.wait()
            await get(transport, upstream.url)
            return upstream.connections

    assert run_jumping(scenario) == 2


def test_a_refusal_that_comes_before_the_request_is_whole_is_the_answer():
    def refuse(writer):
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")

    assert run(refused_in_an_upload(refuse)) == (413, b"no")


def test_fields_go_out_in_the_bytes_in_which_they_came():
    async def scenario():
        async with Upstream(json_reply({})) as upstream, network() as transport:
            fields = (("x-name", b"caf\xe9 \xf0\x9f\x9a\x82".decode("latin-1")),)
            await whole(await transport.send(Outgoing("POST", upstream.url, fields, b"{}")))
            return upstream.requests[0].header("x-name")

    assert run(scenario()).encode("latin-1") == b"caf\xe9 \xf0\x9f\x9a\x82"


@pytest.mark.parametrize("value", ["a\r\nx-forged: 1", "a\nb", "a\0b", "a\rb"])
def test_a_field_that_would_break_the_head_is_refused_without_showing_it(value):
    async def scenario():
        async with Upstream(json_reply({})) as upstream, network() as transport:
            try:
                await transport.send(Outgoing("GET", upstream.url, (("x-key", value),)))
            finally:
                assert upstream.requests == []

    with pytest.raises(SetupError, match="line break") as caught:
        run(scenario())

    assert "forged" not in caught.value.message


def test_localhost_is_found_on_whichever_address_listens():
    async def scenario():
        async def play(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD + b"ok")
            await reader.read()
            writer.close()

        async with serving(play) as port, network() as transport:
            return await get(transport, f"http://localhost:{port}/")

    assert run(scenario()) == b"ok"


def test_an_address_in_brackets_is_reached_and_named_as_such():
    async def scenario():
        seen = []

        async def play(reader, writer):
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(HEAD + b"ok")
            await reader.read()
            writer.close()

        async with serving(play, "::1") as port, network() as transport:
            body = await get(transport, f"http://[::1]:{port}/")
            return body, f"Host: [::1]:{port}".encode() in seen[0]

    assert run(scenario()) == (b"ok", True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def test_tls_goes_through_a_proxy_which_gets_its_credentials_and_never_the_key(authority):
    async def scenario():
        requests = []
        async with Upstream(always=json_reply({"ok": 1}), tls=authority.server()) as upstream:
            async with tunnelling(requests) as proxy, network() as transport:
                sent = Outgoing(
                    "POST",
                    f"https://127.0.0.1:{upstream.port}/v1",
                    (("authorization", "Bearer secret"),),
                    b"{}",
                    proxy=f"http://user:p%40ss@{proxy}",
                    ca_file=authority.ca_file,
                )
                bodies = [await whole(await transport.send(sent)) for _ in range(2)]
            return bodies, requests, upstream

    bodies, requests, upstream = run(scenario())

    assert bodies == [b'{"ok": 1}'] * 2
    assert len(requests) == 1
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in requests[0]
    assert "secret" not in requests[0]
    assert upstream.requests[0].target == "/v1"
    assert upstream.requests[0].header("proxy-authorization") is None


@pytest.mark.parametrize("answer", [b"SSH-2.0\r\n\r\n", b"x" * 70_000], ids=["not HTTP", "endless"])
def test_a_proxy_that_does_not_speak_http_is_told_apart(answer):
    async def scenario():
        async with Upstream(Reply(before=[answer, HANG])) as proxy, network() as transport:
            await get(transport, "https://api.example.com/", proxy=proxy.url)

    with pytest.raises(UnreachableError, match="answers with something that is not HTTP"):
        run(scenario())


def test_a_proxy_that_says_nothing_runs_into_the_limit_for_connecting():
    async def scenario(loop):
        gate = Gate()
        async with Upstream(Reply(before=[gate])) as proxy, network() as transport:
            asking = asyncio.ensure_future(get(transport, "https://api.example.com/", proxy=proxy.url))
            await gate.reached.wait()
            loop.jump(11)
            await asyncio.wait([asking])
            return asking.exception()

    assert "through the proxy 127.0.0.1" in run_jumping(scenario).message


def test_closing_the_transport_ends_what_is_under_way():
    async def scenario():
        async with Upstream(Reply(before=[Gate()])) as upstream:
            async with network() as transport:
                asking = asyncio.ensure_future(get(transport, upstream.url))
                seen = await upstream.request()
            await seen.gone.wait()
            await asyncio.wait([asking])
            return asking.exception()

    assert isinstance(run(scenario()), UnreachableError)

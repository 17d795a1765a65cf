"""Clients that nobody wishes for: endless heads, sides that are shut down, readers that never read."""

import asyncio
import contextlib
import json
import socket

import pytest
from hosted import (
    CLOSING,
    GET,
    POST,
    client,
    conversation,
    hosting,
    leaving_in_its_body,
    response,
    tells,
    told,
)

from pointsman.canon.errors import MalformedError
from scripted import Gate, run, run_jumping

pytestmark = pytest.mark.usefixtures("either_loop")

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"


@pytest.mark.parametrize(
    "begin",
    [b"GET / HTTP/1.1\r\nx: ", GET + b"GET / HTTP/1.1\r\nx: ", CHUNKED + b"x: ", CHUNKED[:-3] + b"1;"],
    ids=["a head", "a head behind a request that is being answered", "a trailer", "a chunk's extension"],
)
def test_what_never_ends_is_not_held(begin):
    async def scenario():
        gate = Gate()

        async def waits(call):
            try:
                await tells(call)
            except MalformedError:
                await call.head(400, (("content-length", "0"),))
                await call.finish()

        async def never(call):
            await gate.wait()

        behind = begin.startswith(GET)
        async with hosting(never if behind else waits) as (host, port), client(port) as (_, writer):
            writer.write(begin)
            for _ in range(40):
                writer.write(b"a" * 65536)
                await writer.drain()
                for _ in range(10):
                    await asyncio.sleep(0)
            (connection,) = host._connections
            deaf = connection._deaf
            gate.open()
            return deaf

    assert run(scenario())


@pytest.mark.parametrize("target", [b"/", b"*"])
def test_a_refusal_arrives_although_the_client_goes_on_sending(target):
    said = conversation(b"GET " + target + b" HTTP/1.1\r\nx: " + b"a" * 4_000_000)

    assert said.startswith(b"HTTP/1.1 431")
    assert said.endswith(b"}}")


def test_a_client_that_shuts_down_its_side_still_gets_what_is_at_hand():
    async def scenario():
        async with hosting() as (_, port), client(port) as (reader, writer):
            writer.write(GET + GET)
            writer.write_eof()
            return await reader.read()

    assert [seen[1] for seen in told(run(scenario()))] == ["/a", "/a"]


def test_a_client_that_shuts_down_its_side_has_left_for_whoever_watches():
    async def scenario():
        left, begun = asyncio.Event(), asyncio.Event()

        async def watches(call):
            call.watch(left.set)
            begun.set()
            await left.wait()
            await call.head(200, (("content-length", "4"),))
            await call.finish(b"late")

        async with hosting(watches) as (_, port), client(port) as (reader, writer):
            writer.write(GET)
            await begun.wait()
            writer.write_eof()
            return await reader.read()

    said = run(scenario())

    assert said.endswith(b"\r\n\r\nlate")
    assert b"connection: close" in said


def test_a_client_that_shuts_down_its_side_in_a_body_has_left():
    left, rest = leaving_in_its_body(lambda writer: writer.write_eof())

    assert left
    assert rest == b""


def test_an_answer_before_the_body_is_whole_says_that_it_is_the_last():
    async def refuses(call):
        await call.head(401, (("content-length", "0"),))
        await call.finish()

    said = conversation(POST + b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n", answer=refuses)

    assert said.startswith(b"HTTP/1.1 401")
    assert b"\r\nconnection: close\r\n" in said


def test_requests_ahead_of_their_turn_are_bounded_and_those_that_were_taken_are_answered():
    said = told(conversation(GET * 2000))

    assert 1 < len(said) < 300


def test_a_connection_with_many_requests_ahead_ends_with_a_word():
    said = conversation(GET * 2000)

    assert said.count(b"connection: close") == 1


async def turns(count=100):
    """Lets the loop turn, so that what is due by now happens."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_client_that_never_reads_is_given_up_in_the_end():
    async def scenario(loop):
        gone, begun = asyncio.Event(), asyncio.Event()

        async def floods(call):
            call.watch(gone.set)
            await call.head(200, ())
            begun.set()
            await call.write(bytes(64_000_000))

        async with hosting(floods) as (_, port):
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(GET)
                await begun.wait()
                await turns()
                loop.jump(590)
                await turns()
                early = gone.is_set()
                loop.jump(20)
                await gone.wait()
            return early

    assert not run_jumping(scenario)


def test_a_client_that_never_reads_the_end_of_its_answer_does_not_keep_the_connection():
    async def scenario(loop):
        done = asyncio.Event()

        async def breaks_off(call):
            await call.head(200, ())
            with_much = asyncio.ensure_future(call.write(bytes(16_000_000)))
            await asyncio.sleep(0)
            with_much.cancel()
            done.set()

        async with hosting(breaks_off) as (host, port):
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(GET)
                await done.wait()
                await turns()
                before = host.connections
                loop.jump(601)
                await turns()
                return before, host.connections

    assert run_jumping(scenario) == (1, 0)


def test_hundreds_of_idle_connections_end_at_once():
    async def scenario():
        async with hosting() as (host, port), contextlib.AsyncExitStack() as stack:
            for _ in range(250):
                await stack.enter_async_context(client(port))
            began = asyncio.get_running_loop().time()
            host.end()
            await host.run_until_ended()
            return asyncio.get_running_loop().time() - began

    assert run(scenario()) < 0.9


def test_one_byte_at_a_time_is_as_good_as_all_at_once():
    body = json.dumps({"a": "b" * 200}).encode()
    request = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    ((*_, text, _),) = told(conversation(*(request[at : at + 1] for at in range(len(request)))))

    assert text == body.decode()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 4\r\n",
        b"Content-Length: 4, 4\r\n",
        b"Content-Length: -4\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: 18446744073709551620\r\n",
        b"Content-Length : 4\r\n",
        b"X: a\r\n Content-Length: 4\r\n",
        b"X: a\rContent-Length: 4\r\n",
        b"X: a\nContent-Length: 4\r\n",
        b"X: a\0b\r\n",
        b": 4\r\n",
    ],
)
def test_a_head_that_two_readers_would_read_differently_is_refused(head):
    said = conversation(POST + head + b"\r\n0\r\n\r\n" + CLOSING)

    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"-1\r\na\r\n",
        b"2\na\n0\n\n",
        b"1 \r\na\r\n",
        b"1\r\naX\r\n",
        b"10000000000000001\r\na\r\n",
        b"1;a\na\r\n",
    ],
)
def test_a_body_that_two_readers_would_read_differently_is_refused_and_nothing_after_it_is_read(body):
    async def reads(call):
        try:
            await tells(call)
        except MalformedError:
            await call.head(400, (("content-length", "0"),))
            await call.finish()

    said = conversation(
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n" + CLOSING, answer=reads
    )

    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1


H2C = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n"


@pytest.mark.parametrize(
    "framed", [b"Content-Length: 4\r\n\r\nabcd", b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("cut", [None, -1, -4, 20])
def test_a_wish_for_http_2_is_passed_over_and_the_body_with_it_is_read(framed, cut):
    request = H2C + framed

    said = conversation(request[:cut], request[len(request[:cut]) :] + H2C + b"\r\n" + CLOSING)

    assert [seen[3] for seen in told(said)] == ["abcd", "", ""]
    assert told(said)[0][4] == told(said)[0][4][:5]


def test_a_large_head_may_come_in_many_pieces():
    name = b"a" * 1000
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx: " + name * 110 + b"\r\n\r\n"

    (seen,) = told(conversation(*(head[at : at + 500] for at in range(0, len(head), 500))))

    assert len(dict(seen[4])["x"]) == 110_000


def test_wishes_for_http_2_cost_no_more_the_more_there_are():
    assert told(conversation((H2C + b"\r\n") * 2000))


def test_a_preface_of_http_2_is_refused():
    assert conversation(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_reset_in_the_middle_of_an_answer_ends_the_call():
    async def scenario():
        gone, begun = asyncio.Event(), asyncio.Event()

        async def answers(call):
            call.watch(gone.set)
            await call.head(200, ())
            await call.write(b"one")
            begun.set()
            await gone.wait()
            await call.write(b"two")
            await call.finish()

        async with hosting(answers) as (host, port), client(port) as (_, writer):
            writer.write(GET)
            await begun.wait()
            writer.transport.abort()
            host.end()
            await host.run_until_ended()
            return gone.is_set()

    assert run(scenario())


def test_a_second_request_on_a_connection_is_answered_after_a_head_request():
    async def scenario():
        async with hosting() as (_, port), client(port) as (reader, writer):
            writer.write(b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + CLOSING)
            head = await reader.readuntil(b"\r\n\r\n")
            return head, (await response(reader))[1]

    head, body = run(scenario())

    assert b"content-length" in head
    assert json.loads(body)[1] == "/last"


def test_an_end_that_cannot_wait_lets_what_it_cuts_say_so():
    async def scenario():
        begun = asyncio.Event()

        async def streams(call):
            await call.head(200, ())
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await call.write(b"cut")
                raise

        async with hosting(streams, grace=60) as (host, port), client(port) as (reader, writer):
            writer.write(GET)
            await begun.wait()
            host.end()
            host.end(now=True)
            return await reader.read()

    assert run(scenario()).endswith(b"\r\n3\r\ncut\r\n")

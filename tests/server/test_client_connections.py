"""Connections of clients: requests ahead of their turn, broken, endless, or left behind."""

import asyncio
import itertools
import json

import pytest
from hosted import (
    CLOSING,
    GET,
    client,
    conversation,
    hosting,
    leaving_in_its_body,
    response,
    tells,
    told,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.canon.errors import MalformedError
from scripted import Gate, run, run_jumping

pytestmark = pytest.mark.usefixtures("either_loop")


def test_requests_that_come_ahead_of_their_turn_are_answered_in_order():
    many = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(40))

    paths = [seen[1] for seen in told(conversation(many + CLOSING))]

    assert paths == [*(f"/{number}" for number in range(40)), "/last"]


REQUESTS = (
    b"POST /v1/m%C3%A9?a=%2F&b HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nx-a: caf\xe9\r\n"
    b"Content-Length: 5\r\n\r\nhello"
    b"POST http://x/abs?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n" + CLOSING
)


@given(st.lists(st.integers(1, len(REQUESTS) - 1), max_size=6))
@settings(max_examples=30, deadline=None)
def test_it_does_not_matter_where_the_bytes_are_cut(places):
    edges = [0, *sorted(set(places)), len(REQUESTS)]
    pieces = [REQUESTS[start:end] for start, end in itertools.pairwise(edges)]

    first, second, last = told(conversation(*pieces))

    assert first[:4] == ["POST", "/v1/mé", "a=%2F&b", "hello"]
    assert first[4][1:3] == [["x-a", "1"], ["x-a", "caf\xe9"]]
    assert second[:4] == ["POST", "/abs", "q", "abcde"]
    assert last[1] == "/last"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"400"),
        (b"hello there\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 140_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 140_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(300)) + b"\r\n", b"431"),
    ],
    ids=["TLS", "prose", "no colon", "two lengths", "length and chunks", "huge field", "huge target", "many"],
)
def test_what_is_no_request_gets_a_word_and_the_end(raw, status):
    said = conversation(raw)

    assert said.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in said
    assert b"\r\nx-request-id: id-7\r\nx-pointsman-request-id: id-7\r\n" in said
    error = json.loads(said.partition(b"\r\n\r\n")[2])["error"]
    assert error["message"]
    assert error["request_id"] == "id-7"


def test_an_answer_under_way_is_not_harmed_by_nonsense_after_its_request():
    said = conversation(GET + b"nonsense\r\n\r\n")

    assert [seen[1] for seen in told(said)] == ["/a"]


def test_a_body_whose_framing_breaks_is_a_bad_request():
    failures = []

    async def reads(call):
        try:
            await tells(call)
        except MalformedError as error:
            failures.append(error.message)
            await call.head(400, (("content-length", "0"),))
            await call.finish()

    said = conversation(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n", answer=reads
    )

    assert said.startswith(b"HTTP/1.1 400")
    assert "framed" in failures[0]


def test_a_wish_for_another_protocol_is_passed_over():
    upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"

    said = conversation(upgrade)

    assert [seen[1] for seen in told(said)] == ["/ws"]


def test_a_client_of_http_1_0_gets_a_stream_without_chunks():
    async def streams(call):
        await call.head(200, (("content-type", "text/plain"),))
        await call.write(b"one ")
        await call.finish(b"two")

    said = conversation(b"GET / HTTP/1.0\r\n\r\n", answer=streams)

    assert b"transfer-encoding" not in said
    assert said.endswith(b"\r\n\r\none two")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_has_none(method, status):
    async def bodies(call):
        await call.head(status, ())
        await call.finish(b"nobody reads this")

    said = conversation(
        f"{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), answer=bodies
    )

    assert said.endswith(b"connection: close\r\n\r\n")
    assert b"chunked" not in said


def test_a_header_field_of_ours_never_breaks_the_head():
    async def forges(call):
        await call.head(200, (("x-why", "a\r\nx-forged: 1\n\0b"), ("content-length", "0")))
        await call.finish()

    said = conversation(CLOSING, answer=forges)

    assert b"\r\nx-forged" not in said
    assert b"x-why: a" in said


def test_a_refusal_before_the_body_is_read_arrives_although_the_client_goes_on_sending():
    async def refuses(call):
        await call.head(413, (("content-length", "2"),))
        await call.finish(b"no")

    async def scenario():
        async with hosting(refuses) as (_, port), client(port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000))
            await writer.drain()
            head, body = await response(reader)
            return head, body, await reader.read()

    head, body, rest = run(scenario())

    assert head.startswith("HTTP/1.1 413")
    assert (body, rest) == (b"no", b"")


def test_a_body_is_not_taken_faster_than_it_is_read():
    async def scenario():
        gate, held = Gate(), []

        async def slow(call):
            await gate.wait()
            held.append(call.size)
            await tells(call)

        body = bytes(32 * 1024 * 1024)
        async with hosting(slow) as (_, port), client(port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await gate.reached.wait()
            for _ in range(50):
                await asyncio.sleep(0)
            gate.open()
            await response(reader)
            return held[0]

    assert run(scenario()) <= 1024 * 1024


def test_a_writer_waits_for_a_slow_reader_and_is_freed_when_that_one_leaves():
    async def scenario():
        written, ended = [], asyncio.Event()

        async def floods(call):
            await call.head(200, ())
            for _ in range(4000):
                await call.write(bytes(65536))
                written.append(1)
            ended.set()

        async with hosting(floods) as (_, port):
            async with client(port) as (_, writer):
                writer.write(GET)
                count = -1
                while count != len(written) or count == 0:
                    count = len(written)
                    for _ in range(100):
                        await asyncio.sleep(0)
                writer.transport.abort()
            await ended.wait()
            return count

    assert run(scenario()) < 4000


def test_a_client_that_leaves_in_its_body_is_noticed():
    left, _ = leaving_in_its_body(lambda writer: writer.close())

    assert left


def ends_after(seconds, *raw):
    """Whether the server closes the connection once so much time has passed."""

    async def scenario(loop):
        async with hosting() as (_, port), client(port) as (reader, writer):
            for piece in raw:
                writer.write(piece)
            if raw and raw[0] == GET:
                await response(reader)
            for _ in range(50):
                await asyncio.sleep(0)
            loop.jump(seconds)
            ending = asyncio.ensure_future(reader.read())
            done, _ = await asyncio.wait({ending}, timeout=0.2)
            ending.cancel()
            return bool(done)

    return run_jumping(scenario)


@pytest.mark.parametrize(
    ("raw", "limit"),
    [
        ((), 75),
        ((GET,), 75),
        ((b"GET / HT",), 60),
        ((b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na",), 300),
    ],
    ids=["nothing sent", "between requests", "in a head", "in a body"],
)
def test_a_connection_that_says_nothing_is_given_up_in_time_and_not_before(raw, limit):
    assert not ends_after(limit - 2, *raw)
    assert ends_after(limit + 2, *raw)


def test_the_end_waits_for_an_answer_under_way_and_not_for_idle_connections():
    async def scenario():
        gate = Gate()

        async def waits(call):
            await gate.wait()
            await tells(call)

        async with (
            hosting(waits, grace=5) as (host, port),
            client(port) as (idle, _),
            client(port) as (reader, writer),
        ):
            writer.write(GET)
            await gate.reached.wait()
            host.end()
            assert await idle.read() == b""
            gate.open()
            head, _ = await response(reader)
            return head, await reader.read()

    head, rest = run(scenario())

    assert "connection: close" in head
    assert rest == b""

"""Problem 24: whoever leaves stops everything that was done for them; whoever is slow holds nothing up."""

import asyncio
import socket
import sys
from contextlib import ExitStack

import pytest
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, PINGED, SAME

from scripted import HANG, Gate, Reply, Upstream, run, sse

LEAVING = pytest.mark.parametrize("abruptly", [False, True], ids=["closed", "reset"])


async def gone_within_a_second(seen):
    loop = asyncio.get_running_loop()
    left = loop.time()
    async with asyncio.timeout(1.0):
        await seen.gone.wait()
    return loop.time() - left < 1.0


@EVERY_PAIR
@LEAVING
def test_problem_24_a_client_that_leaves_before_the_head_stops_the_upstream(client, upstream, abruptly):
    async def scenario():
        async with (
            Upstream(Reply(before=(HANG,)), upstream.whole()) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                seen = await server.request()
                call.leave(abruptly=abruptly)

                assert await gone_within_a_second(seen)
            await gateway.settled()
            assert len(server.requests) == 1
            assert gateway.tally.requests == 1
            assert gateway.app.service.buffers.held == 0

    run(scenario())


@pytest.fixture
def never_accepting():
    """An address where connections are neither accepted nor refused: its queue is full."""
    with socket.socket() as listener, ExitStack() as queue:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue is full on Linux only")
@SAME
def test_problem_24_a_client_that_leaves_while_the_upstream_is_called_ends_the_call(voice, never_accepting):
    async def scenario():
        async with rig(**{voice.name: never_accepting}) as gateway:
            async with gateway.asking(voice, stream=True) as call:
                await eventually(lambda: gateway.tally.in_flight)
                call.leave()
                async with asyncio.timeout(1.0):
                    await gateway.settled()

            assert gateway.tally.requests == 1

    run(scenario())


@EVERY_PAIR
def test_problem_24_a_client_that_leaves_before_the_first_token_stops_the_upstream(client, upstream):
    async def scenario():
        gate = Gate()
        async with (
            Upstream(upstream.before_content(gate, HANG)) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await gate.reached.wait()
                call.leave()

                assert await gone_within_a_second(server.requests[0])
            await gateway.settled()

    run(scenario())


@EVERY_PAIR
@LEAVING
def test_problem_24_a_client_that_leaves_in_the_middle_stops_the_upstream(client, upstream, abruptly):
    async def scenario():
        reply = sse(*upstream.frames[: upstream.content + 2], HANG)
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                call.leave(abruptly=abruptly)

                assert await gone_within_a_second(server.requests[0])
            await gateway.settled()
            counts = gateway.tally.backends[upstream.name]
            assert (counts.requests, counts.errors) == (1, 1)

    run(scenario())


@EVERY_PAIR
def test_problem_24_a_client_that_leaves_an_answer_without_a_stream_stops_the_upstream(client, upstream):
    async def scenario():
        slow = Reply(200, (("content-type", "application/json"),), [b'{"id":', HANG])
        async with Upstream(slow) as server, rig(**{upstream.name: server}) as gateway:
            async with gateway.asking(client, backend=upstream.name) as call:
                seen = await server.request()
                call.leave()

                assert await gone_within_a_second(seen)
            await gateway.settled()

    run(scenario())


@PINGED
def test_problem_24_a_client_that_leaves_while_pings_keep_it_waiting_stops_the_upstream(voice):
    async def scenario():
        async with Upstream(Reply(before=(HANG,))) as server, rig(**{voice.name: server}) as gateway:
            gateway.quicken(ping_every=0.02)
            async with gateway.asking(voice, stream=True) as call:
                await call.until(voice.ping)
                call.leave()

                assert await gone_within_a_second(server.requests[0])
            await gateway.settled()

    run(scenario())


def test_a_client_that_leaves_while_a_limit_is_waited_for_ends_the_wait():
    async def scenario():
        limited = CHAT.refusal(429, "rate_limit_error", "slow", (("retry-after", "30"),))
        async with Upstream(always=limited) as server, rig(openai_chat=server) as gateway:
            async with gateway.asking(CHAT) as call:
                await (await server.request()).finished.wait()
                call.leave()
            await gateway.settled()

            assert len(server.requests) == 1

    run(scenario())


def test_a_client_that_leaves_within_its_own_body_leaves_nothing_behind():
    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            async with gateway.call("POST", CHAT.path, (("content-length", "1000000"),), b'{"a":') as call:
                await eventually(lambda: gateway.app.service.buffers.held > 0)
                call.leave()
            await gateway.settled()

            assert not server.requests
            assert (await gateway.get("/health")).status == 200

    run(scenario())


def test_usage_that_came_before_the_client_left_is_counted_once():
    async def scenario():
        reply = sse(*ANTHROPIC.frames[:4], HANG)
        async with Upstream(reply) as server, rig(anthropic=server) as gateway:
            async with gateway.asking(ANTHROPIC, stream=True) as call:
                await call.until(b"Hello")
                call.leave()
            await gateway.settled()

            assert gateway.tally.backends["anthropic"].input_tokens == 9
            assert gateway.tally.backends["anthropic"].requests == 1

    run(scenario())


@SAME
def test_where_a_drain_is_wanted_the_answer_is_read_to_its_end(voice):
    async def scenario():
        gate = Gate()
        reply = sse(*voice.frames[: voice.content + 2], gate, *voice.frames[voice.content + 2 :])
        settings = "drain_on_close = true"
        async with Upstream(reply) as server, rig(**{voice.name: server}, settings=settings) as gateway:
            async with gateway.asking(voice, stream=True) as call:
                await call.until(b"Hello")
                call.leave()
            gate.open()
            await gateway.settled()

            assert server.requests[0].finished.is_set()
            assert not server.requests[0].gone.is_set()
            assert gateway.tally.backends[voice.name].output_tokens == 4

    run(scenario())


def test_a_drain_has_its_bound():
    async def scenario():
        reply = sse(*CHAT.frames[: CHAT.content + 2], HANG)
        async with Upstream(reply) as server, rig(openai_chat=server) as gateway:
            gateway.quicken(drain=0.05)
            async with gateway.asking(CHAT, stream=True) as call:
                await call.until(b"Hello")
                call.leave()
            await gateway.settled()

            assert await gone_within_a_second(server.requests[0])

    run(scenario())


@EVERY_PAIR
def test_a_slow_reader_slows_the_upstream_down_and_fills_no_memory(client, upstream):
    async def scenario():
        written = [0]
        big = upstream.frames[upstream.content + 1].replace(b" there", b" " + b"x" * 60_000)

        class Counted(asyncio.Event):
            """Always open; counts how far the script came."""

            async def wait(self):
                written[0] += len(big)
                return True

        steps = [step for _ in range(1000) for step in (big, Counted())]
        async with (
            Upstream(
                upstream.before_content(*upstream.frames[upstream.content : upstream.content + 1], *steps)
            ) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            async with gateway.asking(client, backend=upstream.name, stream=True, buffer=8192) as call:
                await call.head()
                await eventually(lambda: written[0] > 0)
                await _until_it_stalls(written)

                assert 0 < written[0] < 20_000_000
            await gateway.settled()

    run(scenario())


async def _until_it_stalls(written):
    before = -1
    while written[0] != before:
        before = written[0]
        await asyncio.sleep(0.15)


@EVERY_PAIR
def test_the_end_of_the_endpoint_lets_a_stream_finish(client, upstream):
    async def scenario():
        gate = Gate()
        reply = sse(*upstream.frames[: upstream.content + 2], gate, *upstream.frames[upstream.content + 2 :])
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                gateway.gateway.stop()
                await eventually(lambda: _refuses(gateway.port))
                gate.open()
                answer = await call.rest()

            assert answer.whole
            assert client.text(answer) == "Hello there"
            await gateway.gateway.wait()

    run(scenario())


def _refuses(port):
    import socket

    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@EVERY_PAIR
def test_the_end_of_the_endpoint_cuts_a_stream_after_the_deadline_with_an_error_event(client, upstream):
    async def scenario():
        reply = sse(*upstream.frames[: upstream.content + 2], HANG)
        settings = "shutdown_timeout = 0.2"
        async with Upstream(reply) as server, rig(**{upstream.name: server}, settings=settings) as gateway:
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                gateway.gateway.stop()
                answer = await call.rest()

            assert not answer.whole
            assert "shutting down" in client.stream_error(answer)["message"]
            await gone_within_a_second(server.requests[0])

    run(scenario())


def test_a_request_that_has_no_head_yet_is_told_that_the_endpoint_ends():
    async def scenario():
        settings = "shutdown_timeout = 0.2"
        async with (
            Upstream(Reply(before=(HANG,))) as server,
            rig(openai_chat=server, settings=settings) as gateway,
        ):
            async with gateway.asking(CHAT) as call:
                await server.request()
                gateway.gateway.stop()
                answer = await call.rest()

            assert answer.status == 503
            assert "shutting down" in CHAT.error(answer)["message"]

    run(scenario())

"""What keeps a client waiting: the early head, pings, and how long frames are held back."""

import asyncio
import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, PAIRS, PINGED, PINGED_PAIRS, SAME, named_pairs

from scripted import Gate, Reply, Upstream, run, sse

SOON = 0.04


def late(voice, gate, **stream):
    """A stream whose head comes when the gate opens."""
    reply = voice.stream(**stream)
    return Reply(reply.status, reply.headers, reply.body, before=(gate,), chunked=True)


@PINGED_PAIRS
def test_problem_23_a_silent_upstream_is_bridged_with_an_early_head_and_pings(client, upstream):
    async def scenario():
        gate = Gate()
        async with Upstream(late(upstream, gate)) as server, rig(**{upstream.name: server}) as gateway:
            gateway.quicken(ping_every=SOON)
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                head = await call.head()
                await call.until(client.ping * 2)
                early = bytes(call.answer.body)
                gate.open()
                answer = await call.rest()

            assert head.status == 200
            assert head.header("content-type").startswith("text/event-stream")
            assert head.header("x-pointsman-request-id")
            assert set(early.split(client.ping)) == {b""}
            assert client.text(answer) == "Hello there"
            assert client.is_last(answer.events[-1])
            assert answer.whole

    run(scenario())


@PINGED_PAIRS
def test_behind_an_early_head_failover_goes_on(client, upstream):
    async def scenario():
        gate = Gate()
        failing = upstream.refusal(529, "overloaded_error", "Overloaded")
        slow = Reply(failing.status, failing.headers, failing.body, before=(gate,))
        async with Upstream(slow, upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            gateway.quicken(ping_every=SOON)
            gateway.hurry()
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(client.ping)
                gate.open()
                answer = await call.rest()

            assert client.text(answer) == "Hello there"
            assert (
                f": answered by {upstream.name}:{upstream.model}, account default\n\n".encode() in answer.body
            )
            assert len(server.requests) == 2

    run(scenario())


@PINGED_PAIRS
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_failure_behind_an_early_head_is_the_dialects_error_event(client, upstream, status):
    async def scenario():
        gate = Gate()
        failing = upstream.refusal(status, "some_error", "it failed")
        slow = Reply(failing.status, failing.headers, failing.body, before=(gate,))
        async with Upstream(always=slow) as server, rig(**{upstream.name: server}) as gateway:
            gateway.quicken(ping_every=SOON)
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(client.ping)
                gate.open()
                answer = await call.rest()

            assert "it failed" in client.stream_error(answer)["message"]
            assert not answer.whole

    run(scenario())


@SAME
def test_a_request_without_a_stream_gets_no_early_head(voice):
    async def scenario():
        gate = Gate()
        reply = voice.whole()
        slow = Reply(reply.status, reply.headers, reply.body, before=(gate,))
        async with Upstream(slow) as server, rig(**{voice.name: server}) as gateway:
            gateway.quicken(ping_every=0.01)
            async with gateway.asking(voice) as call:
                await gate.reached.wait()
                with pytest.raises(TimeoutError):
                    await _within(0.1, call.head())
                gate.open()
            assert (await gateway.get("/health")).status == 200

    run(scenario())


async def _within(seconds, waiting):
    async with asyncio.timeout(seconds):
        await waiting


@named_pairs([(client, upstream) for client, upstream in PAIRS if client.ping and client is not upstream])
def test_a_translated_stream_is_pinged_after_its_commit_too(client, upstream):
    async def scenario():
        gate = Gate()
        frames = upstream.frames
        reply = sse(*frames[: upstream.content + 2], gate, *frames[upstream.content + 2 :])
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            gateway.quicken(ping_every=SOON)
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                await call.until(client.ping + client.ping)
                gate.open()
                answer = await call.rest()

            assert answer.whole
            assert client.text(answer) == "Hello there"

    run(scenario())


@SAME
def test_a_relayed_stream_gets_no_byte_of_ours_after_its_commit(voice):
    async def scenario():
        gate = Gate()
        frames = voice.frames
        reply = sse(*frames[: voice.content + 1], gate, *frames[voice.content + 1 :])
        async with Upstream(reply) as server, rig(**{voice.name: server}) as gateway:
            gateway.quicken(ping_every=0.01)
            async with gateway.asking(voice, stream=True) as call:
                await call.until(frames[voice.content])
                with pytest.raises(TimeoutError):
                    await _within(0.1, call.piece())
            async with gateway.asking(voice, stream=True):
                gate.open()

    run(scenario())


@named_pairs([pair for pair in PAIRS if pair[1].content])
def test_frames_before_the_content_are_held_for_a_while_only(client, upstream):
    async def scenario():
        gate = Gate()
        reply = upstream.before_content(gate, *upstream.frames[upstream.content :])
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            gateway.quicken(held_seconds=0.05)
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.head()
                assert not gate.opened.is_set()
                gate.open()
                answer = await call.rest()

            assert client.text(answer) == "Hello there"
            assert answer.whole

    run(scenario())


@PINGED
def test_an_upstream_that_pings_before_its_content_does_not_prolong_the_holding(voice):
    async def scenario():
        beats = [asyncio.Event() for _ in range(30)]
        steps = [step for beat in beats for step in (voice.ping, beat)]
        async with Upstream(voice.before_content(*steps)) as server, rig(**{voice.name: server}) as gateway:
            gateway.quicken(held_seconds=0.1)
            loop = asyncio.get_running_loop()
            for number, beat in enumerate(beats):
                loop.call_later(0.02 * number, beat.set)
            async with gateway.asking(voice, stream=True) as call:
                await call.head()

                assert not beats[-1].is_set()

    run(scenario())


@SAME
def test_no_more_than_a_bound_is_held_before_the_commit(voice):
    async def scenario():
        gate = Gate()
        filler = b": " + b"x" * 1000 + b"\n\n"
        async with (
            Upstream(voice.before_content(*[filler] * 20, gate)) as server,
            rig(**{voice.name: server}) as gateway,
        ):
            gateway.quicken(held_seconds=60.0, held_bytes=10_000)
            async with gateway.asking(voice, stream=True) as call:
                answer = await call.until(b"x" * 1000)

            assert answer.status == 200

    run(scenario())


def test_an_estimate_of_the_input_stands_in_the_first_frame_even_behind_pings():
    async def scenario():
        gate = Gate()
        async with Upstream(late(CHAT, gate)) as server, rig(openai_chat=server) as gateway:
            gateway.quicken(ping_every=SOON)
            async with gateway.asking(ANTHROPIC, backend="openai_chat", stream=True) as call:
                await call.until(ANTHROPIC.ping)
                gate.open()
                answer = await call.rest()

            starts = [json.loads(data) for name, data in answer.frames if name == "message_start"]
            assert len(starts) == 1
            assert starts[0]["message"]["usage"]["input_tokens"] > 0

    run(scenario())

"""Law 4: a cut answer is never taken for a whole one, in every pair and however it was cut."""

import json

import pytest
from rig import rig
from voices import CHAT, EVERY_PAIR, PAIRS, RESPONSES, VOICES

from scripted import CLOSE, HANG, RESET, Gate, Reply, Upstream, run, sse

CUTS = pytest.mark.parametrize(
    "end", [CLOSE, RESET, None], ids=["closed", "reset", "ended without a last event"]
)


def cut(upstream, upto, end):
    return sse(*upstream.frames[:upto], end=() if end is None else (end,))


@EVERY_PAIR
@CUTS
def test_problem_23_a_stream_that_is_cut_in_its_content_ends_with_the_error_event(client, upstream, end):
    async def scenario():
        gate = Gate()
        frames = upstream.frames[: upstream.content + 2]
        reply = sse(*frames, gate, end=() if end is None else (end,))
        async with Upstream(reply, upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                gate.open()
                answer = await call.rest()
            await gateway.settled()

            assert not answer.whole
            assert client.stream_error(answer)["message"]
            assert len(server.requests) == 1
            assert gateway.tally.errors == 1
            assert (await gateway.get("/health")).status == 200

    run(scenario())


@pytest.mark.parametrize("upstream", VOICES.values(), ids=VOICES)
def test_the_error_of_a_stream_of_responses_goes_on_from_its_last_event(upstream):
    async def scenario():
        reply = sse(*upstream.frames[: upstream.content + 2], end=(CLOSE,))
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(RESPONSES, backend=upstream.name, stream=True)
            events = [json.loads(data) for _, data in answer.frames]

            numbers = [event["sequence_number"] for event in events]
            assert numbers == list(range(numbers[0], numbers[0] + len(events)))
            assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
            assert events[-2]["message"] == events[-2]["error"]["message"]
            told = {name: events[-1]["response"][name] for name in ("id", "model", "created_at")}
            assert told.items() <= events[0]["response"].items()

    run(scenario())


@EVERY_PAIR
def test_a_stream_that_ends_cleanly_with_half_a_frame_behind_its_finish_was_cut(client, upstream):
    async def scenario():
        reply = sse(*upstream.frames[:-1], upstream.frames[upstream.content][:-9])
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                answer = await call.rest()
            await gateway.settled()

            assert client.stream_error(answer)["message"]
            assert gateway.tally.errors == 1

    run(scenario())


@EVERY_PAIR
def test_a_stream_that_is_cut_within_a_frame_still_ends_with_a_readable_error(client, upstream):
    async def scenario():
        content = upstream.frames[upstream.content + 1]
        reply = sse(*upstream.frames[: upstream.content + 1], content, content[:-9], end=(CLOSE,))
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)
            _, data = answer.frames[-1]

            assert client.checked_error(json.loads(data))
            assert not answer.whole

    run(scenario())


@EVERY_PAIR
@CUTS
def test_a_stream_that_is_cut_before_its_content_is_tried_again(client, upstream, end):
    async def scenario():
        async with (
            Upstream(cut(upstream, upstream.content, end), upstream.stream()) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.whole
            assert client.text(answer) == "Hello there"
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
@CUTS
def test_a_stream_that_is_always_cut_before_its_content_is_a_502(client, upstream, end):
    async def scenario():
        async with (
            Upstream(always=cut(upstream, 0, end)) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status == 502
            assert client.error(answer)
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
@pytest.mark.parametrize("shape", ["length", "chunked", "until the end"])
def test_a_whole_answer_that_is_cut_is_a_502(client, upstream, shape):
    async def scenario():
        body = json.dumps(upstream.answer).encode()
        kind = ("content-type", "application/json")
        replies = {
            "length": Reply(200, (kind, ("content-length", str(len(body)))), [body[:-20], CLOSE]),
            "chunked": Reply(200, (kind,), [body[:-20], CLOSE], chunked=True),
            "until the end": Reply(200, (kind,), [body[:-20]], chunked=False),
        }
        async with Upstream(always=replies[shape]) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.status == 502
            assert client.error(answer)["message"]

    run(scenario())


@EVERY_PAIR
def test_an_empty_answer_is_no_answer(client, upstream):
    async def scenario():
        reply = Reply(200, (("content-type", "application/json"),), b"")
        async with Upstream(always=reply) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.status == 502
            assert "the backend's answer is empty" in client.error(answer)["message"]

    run(scenario())


@EVERY_PAIR
def test_a_stream_that_is_not_in_the_dialect_is_no_normal_end(client, upstream):
    async def scenario():
        async with (
            Upstream(always=sse(b"<html>busy</html>\n\n", b"\n\n")) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status == 502
            assert client.error(answer)

    run(scenario())


@EVERY_PAIR
def test_a_stream_that_falls_silent_ends_with_an_error_after_the_idle_timeout(client, upstream):
    async def scenario():
        reply = sse(*upstream.frames[: upstream.content + 2], HANG)
        lines = "timeouts = { idle = 0.3 }"
        async with Upstream(always=reply) as server, rig(**{upstream.name: server}, backend=lines) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert "silent" in client.stream_error(answer)["message"]
            assert not answer.whole
            assert server.requests[-1].gone.is_set()

    run(scenario())


@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[1].ping])
def test_problem_23_pings_do_not_hide_a_dead_upstream(client, upstream):
    async def scenario():
        beats = [Gate() for _ in range(40)]
        pings = [step for beat in beats for step in (upstream.ping, beat)]
        reply = sse(*upstream.frames[: upstream.content + 2], *pings)
        lines = "timeouts = { idle = 8 }"
        async with Upstream(reply) as server, rig(**{upstream.name: server}, backend=lines) as gateway:
            clock = gateway.parts.clock
            ahead = [0.0]
            gateway.parts.clock = lambda: clock() + ahead[0]
            async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                await call.until(b"Hello")
                for beat in beats:
                    await beat.reached.wait()
                    ahead[0] += 1.0
                    beat.open()
                    if server.requests[0].gone.is_set():
                        break
                answer = await call.rest()

            assert "pings" in client.stream_error(answer)["message"]

    run(scenario())


def test_an_upstream_that_never_begins_is_a_504():
    async def scenario():
        lines = "timeouts = { first_byte = 0.15 }"
        silent = Reply(before=(HANG,))
        async with Upstream(always=silent) as server, rig(openai_chat=server, backend=lines) as gateway:
            gateway.hurry()
            answer = await gateway.ask(CHAT, stream=True)

            assert answer.status == 504
            assert "first_byte" in CHAT.error(answer)["message"]
            assert len(server.requests) == 1, "it may be working on the first, and is paid for each"

    run(scenario())

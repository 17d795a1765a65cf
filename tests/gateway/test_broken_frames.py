"""Relayed streams with frames that nobody can read, that break off, or that repeat a credential."""

import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, SAME

from scripted import CLOSE, Gate, Reply, Upstream, run, sse

SSE = (("content-type", "text/event-stream"),)
KEY = "sk-canary-0123456789"
GARBAGE = {
    "no JSON": b"data: {nonsense\n\n",
    "a page": b"data: <html>busy</html>\n\n",
    "wrong types": b'data: {"type":"content_block_delta","index":"x","delta":7,"choices":{"a":1}}\n\n',
    "a list": b"data: [1]\n\n",
}


@SAME
@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_frame_that_nobody_can_read_does_not_hide_that_the_stream_is_cut_later(voice, garbage):
    async def scenario():
        frames = (
            *voice.frames[: voice.content + 1],
            GARBAGE[garbage],
            *voice.frames[voice.content + 1 :][:1],
        )
        async with Upstream(sse(*frames, end=(CLOSE,))) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)

            assert answer.body.startswith(b"".join(frames))
            assert voice.checked_error(json.loads(answer.frames[-1][1]))
            assert not any(voice.is_last(json.loads(data)) for _, data in answer.frames[-1:])
            assert not answer.whole

    run(scenario())


@SAME
@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("together", [False, True], ids=["frame by frame", "in one piece"])
def test_a_frame_that_nobody_can_read_changes_nothing_in_a_stream_that_comes_to_its_end(
    voice, garbage, together
):
    async def scenario():
        place = voice.content + 1
        frames = (*voice.frames[:place], GARBAGE[garbage], *voice.frames[place:])
        reply = sse(b"".join(frames)) if together else sse(*frames)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)
            await gateway.settled()

            assert answer.whole
            assert answer.body == b"".join(frames)
            assert gateway.tally.errors == 0
            assert gateway.tally.backends[voice.name].output_tokens == 4

    run(scenario())


@SAME
def test_wherever_a_frame_breaks_off_the_next_thing_that_a_client_reads_is_the_error(voice):
    async def scenario():
        before, frame = voice.frames[: voice.content + 1], voice.frames[voice.content + 1]
        places = range(1, len(frame) - 2, 3)
        replies = [sse(*before, frame[:place], end=(CLOSE,)) for place in places]
        async with Upstream(*replies) as upstream, rig(**{voice.name: upstream}) as gateway:
            for place in places:
                answer = await gateway.ask(voice, stream=True)
                sent = b"".join(before) + frame[:place]

                assert answer.body.startswith(sent)
                names, data = zip(*answer.frames, strict=True)
                begun = len([1 for each in before if b"data:" in each])
                failed = [json.loads(each) for each in data[begun:]]
                assert all(voice.checked_error(each) for each in failed), frame[:place]
                if voice is ANTHROPIC:
                    assert set(names[begun:]) == {"error"}

    run(scenario())


@SAME
def test_a_stream_that_breaks_between_two_frames_gets_a_blank_line_and_the_error(voice):
    async def scenario():
        frames = voice.frames[: voice.content + 1]
        async with Upstream(sse(*frames, end=(CLOSE,))) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)

            added = answer.body.removeprefix(b"".join(frames))
            assert added.startswith(b"\n\n")
            assert added.count(b"data:") == voice.error_events
            assert voice.stream_error(answer)

    run(scenario())


def leak(voice):
    return voice.overloaded.replace(b"Overloaded", f"bad key {KEY}, {KEY[:-1]}\\u00{ord(KEY[-1]):x}".encode())


@SAME
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_problem_29_a_key_in_the_error_of_a_relayed_stream_is_hidden_and_nothing_else_is_touched(voice, size):
    async def scenario():
        content = voice.frames[voice.content + 1].replace(b" there", f" error {KEY}".encode())
        frames = (*voice.frames[: voice.content + 1], content, leak(voice))
        stream = b"".join(frames)
        chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
        settings = {"backend": 'key_env = "UP"', "environment": {"UP": KEY}}
        async with (
            Upstream(Reply(200, SSE, chunks)) as upstream,
            rig(**{voice.name: upstream}, **settings) as gateway,
        ):
            answer = await gateway.ask(voice, stream=True)

            assert answer.body.startswith(b"".join(frames[:-1]))
            last = answer.body.removeprefix(b"".join(frames[:-1]))
            assert voice.checked_error(json.loads(answer.frames[-1][1]))["message"] == "bad key …, …"
            assert KEY.encode() not in last

    run(scenario())


@SAME
def test_a_piece_of_a_frame_does_not_wait_for_its_rest(voice):
    async def scenario():
        gate = Gate()
        frame = voice.frames[voice.content + 1]
        reply = sse(*voice.frames[: voice.content + 1], frame[:-20], gate, frame[-20:])
        settings = {"backend": 'key_env = "UP"', "environment": {"UP": KEY}}
        async with (
            Upstream(reply) as upstream,
            rig(**{voice.name: upstream}, **settings) as gateway,
            gateway.asking(voice, stream=True) as call,
        ):
            await call.until(frame[:-20])
            gate.open()

            assert frame in (await call.rest()).body

    run(scenario())


def text(words, **choice):
    data = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [{"text": words, "index": 0, "logprobs": None, "finish_reason": None, **choice}],
    }
    return b"data: " + json.dumps(data).encode() + b"\n\n"


LEGACY = (text("Once"), text(" upon"), text("", finish_reason="stop"), b"data: [DONE]\n\n")


@pytest.mark.parametrize("upto", [0, 1, 2])
def test_a_legacy_completion_that_is_cut_ends_with_an_error(upto):
    async def scenario():
        async with (
            Upstream(always=sse(*LEGACY[:upto], end=(CLOSE,) if upto else ())) as upstream,
            rig(openai_chat=upstream) as gateway,
        ):
            gateway.hurry()
            asked = {"model": "gpt-x", "prompt": "Tell", "stream": True}
            answer = await gateway.post("/v1/completions", asked)

            assert answer.status == (200 if upto else 502)
            assert CHAT.checked_error(json.loads(answer.frames[-1][1]) if upto else answer.json())
            assert answer.body.startswith(b"".join(LEGACY[:upto]))

    run(scenario())


def test_a_legacy_completion_that_stops_without_its_last_event_ends_with_an_error():
    async def scenario():
        async with Upstream(sse(*LEGACY[:2])) as upstream, rig(openai_chat=upstream) as gateway:
            asked = {"model": "gpt-x", "prompt": "Tell", "stream": True}
            answer = await gateway.post("/v1/completions", asked)

            assert CHAT.stream_error(answer)["message"]

    run(scenario())


@pytest.mark.parametrize("upto", [3, 4])
def test_a_legacy_completion_that_says_why_it_ended_is_whole(upto):
    async def scenario():
        async with Upstream(sse(*LEGACY[:upto])) as upstream, rig(openai_chat=upstream) as gateway:
            asked = {"model": "gpt-x", "prompt": "Tell", "stream": True}
            answer = await gateway.post("/v1/completions", asked)

            assert answer.whole
            assert answer.body == b"".join(LEGACY[:upto])

    run(scenario())

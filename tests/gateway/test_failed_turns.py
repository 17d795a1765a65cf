"""Turns that came to nothing: an error for clients of another API, never a plain end."""

import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES, chunk, response

from scripted import Reply, Upstream, json_reply, run, sse

OTHERS = pytest.mark.parametrize("client", [ANTHROPIC, CHAT, RESPONSES], ids=lambda client: client.name)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
ENDING = {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed function call: weather("}


def malformed(seen) -> Reply:
    if "stream" in seen.target:
        return sse(response([], **ENDING))
    return json_reply({**GEMINI.answer, "candidates": [{"content": {}, "index": 0, **ENDING}]})


@OTHERS
@STREAMED
def test_problem_23_a_call_that_nobody_can_read_is_asked_for_once_more_and_then_an_error(client, stream):
    async def scenario():
        async with Upstream(always=malformed) as server, rig(gemini=server) as gateway:
            return await gateway.ask(client, backend="gemini", stream=stream), len(server.requests)

    answer, asked = run(scenario())

    assert answer.status == 502
    assert asked == 2
    message = client.error(answer)["message"]
    assert "MALFORMED_FUNCTION_CALL: Malformed function call: weather(" in message
    assert "ask again" in message


@OTHERS
def test_problem_23_behind_a_text_it_is_the_error_of_the_stream(client):
    async def scenario():
        reply = sse(response([{"text": "Let me see."}]), response([], **ENDING))
        async with Upstream(reply) as server, rig(gemini=server) as gateway:
            return await gateway.ask(client, backend="gemini", stream=True)

    answer = run(scenario())

    assert answer.status == 200
    assert client.text(answer) == "Let me see."
    assert any("MALFORMED_FUNCTION_CALL" in json.dumps(each) for each in answer.events)
    assert not any(word in answer.body for word in (b'"end_turn"', b'"stop"', b'"completed"'))


@STREAMED
def test_a_client_of_the_same_api_gets_the_turn_as_it_ended(stream):
    async def scenario():
        async with Upstream(always=malformed) as server, rig(gemini=server) as gateway:
            return await gateway.ask(GEMINI, stream=stream), len(server.requests)

    answer, asked = run(scenario())

    assert (answer.status, asked) == (200, 1)
    assert b"MALFORMED_FUNCTION_CALL" in answer.body


def test_problem_23_a_chat_server_s_word_for_it_is_an_error_too():
    ended = chunk({}, finish="function_call_filter: MALFORMED_FUNCTION_CALL")

    async def scenario():
        async with (
            Upstream(always=lambda _: sse(ended, b"data: [DONE]\n\n")) as server,
            rig(openai_chat=server) as gateway,
        ):
            return await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)

    answer = run(scenario())

    assert answer.status == 502
    assert "function_call_filter" in ANTHROPIC.error(answer)["message"]

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


@OTHERS
def test_a_schema_that_is_nested_too_deeply_is_a_bad_request(client):
    def nested(depth):
        return {"type": "object", "properties": {"a": nested(depth - 1)} if depth else {}}

    async def scenario():
        async with Upstream(client.whole()) as server, rig(**{client.name: server}) as gateway:
            config = {"responseMimeType": "application/json", "responseSchema": nested(400)}
            return await gateway.ask(GEMINI, backend=client.name, generationConfig=config)

    answer = run(scenario())

    assert answer.status in {200, 400}
    assert b"itself failed" not in answer.body


@STREAMED
def test_a_key_that_google_refuses_with_a_400_is_told_as_a_refused_key(stream):
    reply = {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
        }
    }

    async def scenario():
        async with Upstream(json_reply(reply, 400)) as server, rig(gemini=server) as gateway:
            return await gateway.ask(GEMINI, stream=stream)

    answer = run(scenario())

    assert answer.status == 401
    assert "API key not valid" in GEMINI.error(answer)["message"]
    assert "backend gemini" in GEMINI.error(answer)["message"]

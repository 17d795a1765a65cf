"""Requests of the Responses API through the whole gateway, as far as its clients say them in other ways."""

import pytest
from rig import rig
from voices import ANTHROPIC, RESPONSES

from scripted import Upstream, json_reply, run

HELLO = {"role": "user", "content": "Hello"}


def asked(**fields):
    return {"model": f"openai_responses:{RESPONSES.model}", **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "Hello"},
        {"input": [HELLO]},
        {"input": [], "previous_response_id": "resp_0"},
        {"previous_response_id": "resp_0"},
        {"conversation": {"id": "conv_0"}},
        {"prompt": {"id": "pmpt_0"}, "input": None},
        {"input": [{"id": "msg_0"}]},
    ],
    ids=str,
)
def test_a_conversation_is_relayed_wherever_it_stands(fields):
    async def scenario():
        async with Upstream(RESPONSES.whole()) as server, rig(openai_responses=server) as gateway:
            answer = await gateway.post("/v1/responses", asked(**fields))

            assert answer.status == 200
            assert server.requests[0].json() == {**fields, "model": RESPONSES.model}

    run(scenario())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": None, "previous_response_id": None}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": "x", "previous_response_id": 7}, "previous_response_id"),
        ({"input": "x", "stream_options": []}, "stream_options"),
    ],
    ids=str,
)
def test_what_nobody_could_answer_goes_nowhere(fields, param):
    async def scenario():
        async with Upstream() as server, rig(openai_responses=server) as gateway:
            answer = await gateway.post("/v1/responses", asked(**fields))

            assert answer.status == 400
            assert RESPONSES.error(answer)["param"] == param
            assert server.requests == []

    run(scenario())


def test_the_answer_of_another_dialect_repeats_what_was_asked():
    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            fields = {"input": "Hello", "instructions": "Be brief.", "metadata": {"a": "b"}}
            answer = await gateway.post("/v1/responses", {"model": "anthropic:claude-x", **fields})

            response = answer.json()
            assert (response["status"], response["instructions"]) == ("completed", "Be brief.")
            assert response["metadata"] == {"a": "b"}
            assert server.requests[0].json()["system"] == "Be brief."

    run(scenario())


def test_tokens_are_counted_here_where_the_upstream_does_not():
    async def scenario():
        async with Upstream() as server, rig(anthropic=server) as gateway:
            body = {"model": "anthropic:claude-x", "input": "Hello"}
            answer = await gateway.post("/v1/responses/input_tokens", body)

            assert answer.status == 200
            assert answer.json()["object"] == "response.input_tokens"
            assert answer.json()["input_tokens"] > 0

    run(scenario())


def test_what_only_its_provider_has_is_refused_with_a_reason():
    async def scenario():
        async with Upstream(always=json_reply({})) as server, rig(anthropic=server) as gateway:
            body = {"model": "anthropic:claude-x", "previous_response_id": "resp_0", "input": "Hello"}
            answer = await gateway.post("/v1/responses", body)

            assert answer.status == 400
            assert RESPONSES.error(answer)["param"] == "previous_response_id"
            assert server.requests == []

    run(scenario())

"""Whole exchanges with clouds: signed, framed and reformed as their own APIs want it."""

import json
import logging

import pytest
from clouds import (
    ACCESS,
    CONVERSED,
    CONVERSING,
    SECRET,
    TOKEN,
    ask,
    assert_signed,
    chunk,
    cloud,
    event_stream,
    exception,
)
from voices import ANTHROPIC, CHAT

from pointsman.wire.event_stream import encode_message
from scripted import CLOSE, Upstream, cut, json_reply, run

BEDROCK = "us.anthropic.claude-x"
NOVA = "amazon.nova-pro-v1:0"


@pytest.fixture
def aws(monkeypatch, tmp_path):
    """Credentials in the environment, and no others."""
    nowhere = str(tmp_path / "nothing")
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)


BOTH = pytest.mark.parametrize("voice", [ANTHROPIC, CHAT], ids=lambda voice: voice.name)


@BOTH
def test_a_whole_answer_of_converse_reaches_a_client(aws, voice):
    async def scenario():
        async with Upstream(json_reply(CONVERSED)) as server, cloud(server) as gateway:
            answer = await ask(gateway, voice, NOVA)

            assert voice.text(answer) == "Hello there"
            (seen,) = server.requests
            assert seen.target == "/model/amazon.nova-pro-v1%3A0/converse"
            assert seen.json()["messages"] == [{"role": "user", "content": [{"text": "Hello"}]}]
            assert_signed(seen, server.url)

    run(scenario())


@BOTH
@pytest.mark.parametrize("places", [(), (1, 5, 20, 33, 150), tuple(range(1, 900, 7))])
def test_a_stream_of_converse_reaches_a_client_however_it_is_cut(aws, voice, places):
    async def scenario():
        steps = cut(b"".join(CONVERSING), *places)
        async with Upstream(event_stream(*steps)) as server, cloud(server) as gateway:
            answer = await ask(gateway, voice, NOVA, stream=True)

            assert voice.text(answer) == "Hello there"
            assert voice.ended(answer)
            assert server.requests[0].target == "/model/amazon.nova-pro-v1%3A0/converse-stream"
            assert_signed(server.requests[0], server.url)

    run(scenario())


@BOTH
def test_a_stream_of_converse_that_is_cut_ends_in_an_error(aws, voice):
    async def scenario():
        whole = b"".join(CONVERSING)
        async with (
            Upstream(event_stream(whole[: len(whole) - 30], CLOSE)) as server,
            cloud(server) as gateway,
        ):
            answer = await ask(gateway, voice, NOVA, stream=True)

            assert voice.text(answer) == "Hello there"
            assert voice.stream_error(answer)

    run(scenario())


@BOTH
def test_a_damaged_event_stream_ends_in_an_error(aws, voice):
    async def scenario():
        broken = bytearray(CONVERSING[2])
        broken[-1] ^= 1
        async with (
            Upstream(event_stream(*CONVERSING[:2], bytes(broken), *CONVERSING[3:])) as server,
            cloud(server) as gateway,
        ):
            answer = await ask(gateway, voice, NOVA, stream=True)

            assert voice.text(answer) == "Hello"
            assert "damaged" in voice.stream_error(answer)["message"]

    run(scenario())


@BOTH
def test_an_exception_before_the_content_is_tried_again_or_told_with_its_status(aws, voice):
    async def scenario():
        slow = event_stream(CONVERSING[0], exception("throttlingException", "Too many requests."))
        async with Upstream(always=slow) as server, cloud(server) as gateway:
            gateway.hurry()
            answer = await ask(gateway, voice, NOVA, stream=True)

            assert answer.status == 429
            assert "Too many requests." in voice.error(answer)["message"]

    run(scenario())


def test_a_count_of_tokens_is_asked_for_in_converses_own_way(aws):
    async def scenario():
        async with Upstream(json_reply({"inputTokens": 21})) as server, cloud(server) as gateway:
            body = {"model": f"cloud:{NOVA}", "messages": [{"role": "user", "content": "Hello"}]}
            answer = await gateway.post("/v1/messages/count_tokens", body, *ANTHROPIC.headers)

            assert answer.json() == {"input_tokens": 21}
            (seen,) = server.requests
            assert seen.target == "/model/amazon.nova-pro-v1%3A0/count-tokens"
            converse = seen.json()["input"]["converse"]
            assert converse == {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
            assert_signed(seen, server.url)

    run(scenario())


def test_anthropics_own_body_is_relayed_through_invoke_model_value_by_value(aws):
    messages = b'[ {"role":"user",  "content":"Hi \\u00e9"} ]'
    body = b'{"model":"cloud:%b","max_tokens": 64 , "messages":%b, "x_new":[1, 2]}' % (
        BEDROCK.encode(),
        messages,
    )

    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, cloud(server, "bedrock-invoke") as gateway:
            headers = (*ANTHROPIC.headers, ("anthropic-beta", "one-2025, two-2026"))
            answer = await gateway.post("/v1/messages?beta=true", body, *headers)

            assert answer.json() == ANTHROPIC.answer
            assert answer.header("x-pointsman-form") == "relay"
            (seen,) = server.requests
            assert seen.target == f"/model/{BEDROCK}/invoke"
            assert seen.body == (
                b'{"max_tokens":64,"messages":%b,"x_new":[1, 2],"anthropic_version":"bedrock-2023-05-31",'
                b'"anthropic_beta":["one-2025","two-2026"]}' % messages
            )
            assert seen.header("anthropic-beta") is None
            assert_signed(seen, server.url)

    run(scenario())


def test_the_chunks_of_invoke_model_are_relayed_as_the_events_that_they_hold(aws):
    frames = [json.loads(frame.partition(b"data: ")[2]) for frame in ANTHROPIC.frames]

    async def scenario():
        script = event_stream(*(chunk(frame) for frame in frames))
        async with Upstream(script) as server, cloud(server, "bedrock-invoke") as gateway:
            answer = await ask(gateway, ANTHROPIC, BEDROCK, stream=True)

            assert answer.events == frames
            assert answer.header("content-type") == "text/event-stream"
            assert answer.header("x-pointsman-form") == "relay"
            (seen,) = server.requests
            assert seen.target == f"/model/{BEDROCK}/invoke-with-response-stream"
            assert not {"stream", "model"} & seen.json().keys()
            assert_signed(seen, server.url)

    run(scenario())


def test_a_chat_client_is_translated_for_invoke_model(aws):
    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, cloud(server, "bedrock-invoke") as gateway:
            answer = await ask(gateway, CHAT, BEDROCK)

            assert CHAT.text(answer) == "Hello there"
            sent = server.requests[0].json()
            assert sent["anthropic_version"] == "bedrock-2023-05-31"
            assert "model" not in sent

    run(scenario())


def test_claudes_messages_endpoint_is_relayed_byte_for_byte_and_signed(aws):
    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, cloud(server) as gateway:
            body = json.dumps({**ANTHROPIC.request(), "model": f"cloud:{BEDROCK}"}).encode()
            answer = await gateway.post("/v1/messages?beta=true", body, *ANTHROPIC.headers)

            assert answer.json() == ANTHROPIC.answer
            (seen,) = server.requests
            assert seen.target == "/anthropic/v1/messages?beta=true"
            assert seen.body == body.replace(b"cloud:", b"")
            assert_signed(seen, server.url)

    run(scenario())


def test_an_api_key_goes_before_the_signature(aws):
    async def scenario():
        key = {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key-canary"}
        async with Upstream(json_reply(CONVERSED)) as server, cloud(server, environment=key) as gateway:
            await ask(gateway, CHAT, NOVA)

            assert server.requests[0].header("authorization") == "Bearer bedrock-key-canary"
            assert server.requests[0].header("x-amz-date") is None

    run(scenario())


def test_an_amended_request_is_signed_anew(aws):
    refusal = {"message": "The parameter temperature is not supported by this model."}

    async def scenario():
        script = json_reply(refusal, 400, (("x-amzn-errortype", "ValidationException"),))
        async with Upstream(script, ANTHROPIC.whole()) as server, cloud(server, "bedrock-invoke") as gateway:
            answer = await ask(gateway, CHAT, BEDROCK, temperature=0.5)

            assert CHAT.text(answer) == "Hello there"
            first, second = server.requests
            assert "temperature" in first.json()
            assert "temperature" not in second.json()
            assert_signed(first, server.url)
            assert_signed(second, server.url)

    run(scenario())


def test_no_credential_of_a_cloud_shows_in_answers_or_logs(aws, caplog):
    caplog.set_level(logging.DEBUG)
    told = {"message": f"The token {TOKEN} of {SECRET} is bad."}
    framed = exception("validationException", told["message"])

    async def scenario():
        script = (json_reply(told, 403), event_stream(CONVERSING[0], CONVERSING[1], framed))
        async with Upstream(*script) as server, cloud(server) as gateway:
            whole = await ask(gateway, CHAT, NOVA)
            streamed = await ask(gateway, CHAT, NOVA, stream=True)

            shown = str(whole.body) + str(whole.headers) + str(streamed.body) + caplog.text
            assert whole.status in {401, 403}
            assert SECRET not in shown
            assert TOKEN not in shown
            assert "The token …".encode() in whole.body

    run(scenario())


def test_without_credentials_the_client_is_told_what_to_do(aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    async def scenario():
        async with Upstream() as server, cloud(server) as gateway:
            answer = await ask(gateway, CHAT, NOVA)

            assert answer.status == 401
            assert "aws sso login" in CHAT.error(answer)["message"]
            assert server.requests == []

    run(scenario())


def test_marks_and_thinking_reach_only_models_that_take_them(aws):
    marked = [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]
    asked = {"messages": [{"role": "user", "content": marked}], "thinking": {"type": "adaptive"}}

    async def scenario():
        async with Upstream(json_reply(CONVERSED), json_reply(CONVERSED)) as server, cloud(server) as gateway:
            nova = await ask(gateway, ANTHROPIC, NOVA, **asked)
            llama = await ask(gateway, ANTHROPIC, "us.meta.llama4-x", **asked)

            point = {"cachePoint": {"type": "default"}}
            first, second = (seen.json()["messages"][0]["content"] for seen in server.requests)
            assert (first, second) == ([{"text": "Hello"}, point], [{"text": "Hello"}])
            assert "additionalModelRequestFields" not in server.requests[0].json()
            assert nova.header("x-pointsman-losses") == "dropped thinking"
            assert "dropped cache_control" in llama.header("x-pointsman-losses")

    run(scenario())


def test_an_event_stream_of_another_kind_of_message_is_passed_over(aws):
    odd = encode_message({":event-type": "initial-response", ":message-type": "event"}, b"{}")

    async def scenario():
        async with Upstream(event_stream(odd, *CONVERSING)) as server, cloud(server) as gateway:
            answer = await ask(gateway, ANTHROPIC, NOVA, stream=True)

            assert ANTHROPIC.text(answer) == "Hello there"

    run(scenario())

"""Whole exchanges with Vertex, signed in by a service account, and with Azure's dated versions."""

import logging

import pytest
from clouds import ask, cloud
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES

from google_account import token, write_account
from scripted import Upstream, json_reply, run

DIALECTS = 'dialects = ["gemini"]'
PROJECT = 'project = "rails"'


def account(tmp_path, tokens):
    return f'credentials = "{write_account(tmp_path, f"{tokens.url}/token")}"'


def test_claude_on_vertex_is_relayed_value_by_value_with_a_token_of_the_account(tmp_path):
    messages = b'[{"role":"user", "content":"Hi"}]'
    body = b'{"stream":false,"model":"cloud:claude-x@2026", "max_tokens": 64,"messages":%b}' % messages

    async def scenario():
        async with (
            Upstream(token("ya29.canary")) as tokens,
            Upstream(ANTHROPIC.whole(), ANTHROPIC.whole()) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            for _ in range(2):
                answer = await gateway.post("/v1/messages?beta=true", body, *ANTHROPIC.headers)
                assert answer.json() == ANTHROPIC.answer
                assert answer.header("x-pointsman-form") == "relay"

            assert [seen.target for seen in tokens.requests] == ["/token"]
            for seen in server.requests:
                assert seen.target == "/publishers/anthropic/models/claude-x%402026:rawPredict"
                assert seen.header("authorization") == "Bearer ya29.canary"
                assert seen.body == (
                    b'{"stream":false,"max_tokens":64,"messages":%b,"anthropic_version":"vertex-2023-10-16"}'
                    % messages
                )

    run(scenario())


def test_a_stream_of_claude_on_vertex_is_relayed(tmp_path):
    async def scenario():
        async with (
            Upstream(token("one")) as tokens,
            Upstream(ANTHROPIC.stream()) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            answer = await ask(gateway, ANTHROPIC, "claude-x", stream=True)

            assert ANTHROPIC.text(answer) == "Hello there"
            assert server.requests[0].target == "/publishers/anthropic/models/claude-x:streamRawPredict"
            assert server.requests[0].json()["stream"] is True

    run(scenario())


@pytest.mark.parametrize("voice", [GEMINI, ANTHROPIC, CHAT, RESPONSES], ids=lambda voice: voice.name)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_gemini_on_vertex_answers_clients_of_every_dialect(tmp_path, voice, stream):
    async def scenario():
        reply = GEMINI.stream() if stream else GEMINI.whole()
        async with (
            Upstream(token("one")) as tokens,
            Upstream(reply) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens), DIALECTS) as gateway,
        ):
            answer = await ask(gateway, voice, "gemini-3.8-flash", stream=stream)

            method = ":streamGenerateContent?alt=sse" if stream else ":generateContent"
            assert voice.text(answer) == "Hello there"
            assert server.requests[0].target == f"/publishers/google/models/gemini-3.8-flash{method}"
            assert server.requests[0].header("authorization") == "Bearer one"
            assert server.requests[0].header("x-goog-api-key") is None
            assert server.requests[0].json()["contents"] == [{"role": "user", "parts": [{"text": "Hello"}]}]

    run(scenario())


def test_tokens_of_claude_on_vertex_are_counted_with_the_model_in_the_body(tmp_path):
    async def scenario():
        async with (
            Upstream(token("one")) as tokens,
            Upstream(json_reply({"input_tokens": 7})) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            body = {"model": "cloud:claude-x", "messages": [{"role": "user", "content": "Hello"}]}
            answer = await gateway.post("/v1/messages/count_tokens", body, *ANTHROPIC.headers)

            assert answer.json() == {"input_tokens": 7}
            (seen,) = server.requests
            assert seen.target == "/publishers/anthropic/models/count-tokens:rawPredict"
            assert seen.json() == {
                "model": "claude-x",
                "messages": [{"role": "user", "content": "Hello"}],
                "anthropic_version": "vertex-2023-10-16",
            }

    run(scenario())


def test_other_models_on_vertex_speak_chat_completions(tmp_path):
    async def scenario():
        async with (
            Upstream(token("one")) as tokens,
            Upstream(CHAT.whole(), CHAT.whole()) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            for voice in (CHAT, ANTHROPIC):
                answer = await ask(gateway, voice, "meta/llama-x")
                assert voice.text(answer) == "Hello there"

            assert {seen.target for seen in server.requests} == {"/endpoints/openapi/chat/completions"}

    run(scenario())


def test_a_token_works_as_a_key_and_nobody_signs_in():
    async def scenario():
        async with (
            Upstream(CHAT.whole()) as server,
            cloud(
                server, "vertex", PROJECT, 'key_env = "MY_TOKEN"', environment={"MY_TOKEN": "ya29.mine"}
            ) as gateway,
        ):
            await ask(gateway, CHAT, "meta/llama-x")

            assert server.requests[0].header("authorization") == "Bearer ya29.mine"

    run(scenario())


def test_an_account_that_google_refuses_is_told_to_the_client(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)

    async def scenario():
        async with (
            Upstream(json_reply({"error": "invalid_grant", "error_description": "canary"}, 400)) as tokens,
            Upstream() as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            answer = await ask(gateway, CHAT, "meta/llama-x")

            assert answer.status == 401
            assert "gcloud auth" in CHAT.error(answer)["message"]
            assert "canary" not in str(answer.body) + caplog.text
            assert server.requests == []

    run(scenario())


def test_a_token_that_an_error_repeats_is_masked(tmp_path):
    async def scenario():
        echo = json_reply({"error": {"message": "ya29.canary is bad", "status": "X"}}, 400)
        async with (
            Upstream(token("ya29.canary")) as tokens,
            Upstream(echo) as server,
            cloud(server, "vertex", PROJECT, account(tmp_path, tokens)) as gateway,
        ):
            answer = await ask(gateway, CHAT, "meta/llama-x")

            assert b"ya29" not in answer.body
            assert b" is bad" in answer.body

    run(scenario())


def test_azures_older_path_names_the_deployment_and_the_version():
    async def scenario():
        async with (
            Upstream(CHAT.whole(), CHAT.whole()) as server,
            cloud(server, "azure-deployments", environment={"AZURE_OPENAI_API_KEY": "az-1"}) as gateway,
        ):
            answer = await gateway.post(
                "/v1/chat/completions?api-version=1&a=b",
                {**CHAT.request(), "model": "cloud:my gpt"},
                *CHAT.headers,
            )
            translated = await ask(gateway, ANTHROPIC, "my gpt")

            assert CHAT.text(answer) == ANTHROPIC.text(translated) == "Hello there"
            assert [seen.target for seen in server.requests] == [
                "/openai/deployments/my%20gpt/chat/completions?a=b&api-version=2024-10-21",
                "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
            ]
            assert server.requests[0].header("api-key") == "az-1"

    run(scenario())

"""A backend that has some models in one dialect and others in another is spoken to accordingly."""

import os

import pytest
from rig import Rig, write_config
from voices import ANTHROPIC, CHAT

from pointsman import Gateway
from pointsman.dialects.registry import SERVED
from scripted import Upstream, run

CASES = [
    ("azure", "claude-opus-5-5", ANTHROPIC, "/anthropic/v1/messages", "x-api-key"),
    ("azure", "gpt-4.1", CHAT, "/openai/v1/chat/completions", "api-key"),
    ("bedrock", "us.anthropic.claude-opus-5", ANTHROPIC, "/anthropic/v1/messages", "authorization"),
    ("bedrock", "openai.gpt-oss-120b-1:0", CHAT, "/openai/v1/chat/completions", "authorization"),
    ("bedrock-mantle", "anthropic.claude-opus-5", ANTHROPIC, "/anthropic/v1/messages", "authorization"),
    ("bedrock-mantle", "openai.gpt-oss-120b", CHAT, "/v1/chat/completions", "authorization"),
]


def gateway(provider, upstream, lines=""):
    url = f'base_url = "{upstream.url}"\nkey_env = "CLOUD_KEY"\nmodels = ["m"]\n{lines}'
    write_config(f'[backends.cloud]\nprovider = "{provider}"\n{url}')
    return Gateway(environment={**os.environ, "CLOUD_KEY": "k-cloud"}, discover=False)


@pytest.mark.parametrize("client", [ANTHROPIC, CHAT], ids=["anthropic", "chat"])
@pytest.mark.parametrize(("provider", "model", "voice", "path", "header"), CASES)
def test_a_model_is_asked_in_the_dialect_that_it_has_there(provider, model, voice, path, header, client):
    async def scenario():
        async with Upstream(voice.whole()) as server, gateway(provider, server) as running:
            answer = await Rig(running).ask(client, model=f"cloud:{model}")

            assert client.text(answer) == "Hello there"
            assert answer.header("x-pointsman-form") == ("relay" if client is voice else "translate")
            assert server.requests[0].target == path
            assert "k-cloud" in server.requests[0].header(header)

    run(scenario())


def test_a_user_who_names_the_dialect_has_the_last_word():
    async def scenario():
        async with (
            Upstream(ANTHROPIC.whole()) as server,
            gateway("azure", server, 'dialects = ["anthropic"]') as running,
        ):
            answer = await Rig(running).ask(CHAT, model="cloud:our-deployment")

            assert CHAT.text(answer) == "Hello there"
            assert server.requests[0].target == "/anthropic/v1/messages"

    run(scenario())


def test_tokens_are_only_counted_by_a_backend_that_has_the_model_in_the_dialect():
    async def scenario():
        async with Upstream() as server, gateway("azure", server) as running:
            rig = Rig(running)
            body = {"model": "cloud:gpt-6-luna", "messages": [{"role": "user", "content": "Hello"}]}
            answer = await rig.post("/v1/messages/count_tokens", body, *ANTHROPIC.headers)

            assert answer.header("x-pointsman-estimate") == "true"
            assert not server.requests

    run(scenario())


def test_explain_tells_the_dialects_of_the_model():
    async def scenario():
        async with Upstream() as server, gateway("azure", server) as running:
            rig = Rig(running)
            claude = (await rig.get("/explain/cloud%3Aclaude-opus-5-5")).json()
            other = (await rig.get("/explain/cloud%3Agpt-6-luna")).json()

            assert claude["relayed"] == ["anthropic"]
            assert "openai_chat" in other["relayed"]
            assert "anthropic" in other["translated"]
            for told in (claude, other):
                assert {*told["relayed"], *told["translated"]} == set(SERVED)
                assert not {*told["relayed"]} & {*told["translated"]}

    run(scenario())

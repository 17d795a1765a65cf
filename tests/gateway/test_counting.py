"""Token counts: by the backend's own counter, in whichever dialect it has one, and told in the client's."""

import pytest
from rig import rig
from voices import ANTHROPIC, GEMINI, RESPONSES

from scripted import Upstream, json_reply, run

ASK = {
    "anthropic": ("/v1/messages/count_tokens", ANTHROPIC, "input_tokens"),
    "openai_responses": ("/v1/responses/input_tokens", RESPONSES, "input_tokens"),
    "gemini": ("/v1beta/models/{}:countTokens", GEMINI, "totalTokens"),
}
COUNTS = {"anthropic": {"input_tokens": 42}, "gemini": {"totalTokens": 42}}
"""The upstreams that count, and how they say it."""


async def asked(gateway, client, upstream):
    path, voice, field = ASK[client]
    model = voice.named(upstream)
    body = voice.request(upstream)
    for name in ("max_tokens", "max_output_tokens", "store", "generationConfig"):
        body.pop(name, None)
    answer = await gateway.post(path.format(model), body, *voice.headers)
    return answer, answer.json()[field]


@pytest.mark.parametrize("upstream", COUNTS)
@pytest.mark.parametrize("client", ASK)
def test_the_backends_own_count_reaches_a_client_of_any_dialect(client, upstream):
    async def scenario():
        async with Upstream(json_reply(COUNTS[upstream])) as server, rig(**{upstream: server}) as gateway:
            answer, count = await asked(gateway, client, upstream)

            assert (answer.status, count) == (200, 42)
            assert answer.header("x-pointsman-estimate") is None
            assert "ount" in server.requests[0].target
            assert "Hello" in server.requests[0].body.decode()
            assert "max_tokens" not in server.requests[0].body.decode()

    run(scenario())


@pytest.mark.parametrize("client", ASK)
def test_where_nobody_counts_there_is_an_estimate_that_says_so(client):
    async def scenario():
        async with Upstream() as server, rig(openai_chat=server) as gateway:
            answer, count = await asked(gateway, client, "openai_chat")

            assert count > 0
            assert answer.header("x-pointsman-estimate") == "true"
            assert not server.requests

    run(scenario())


def cloud(provider, server, model, *lines):
    table = f'[backends.cloud]\nprovider = "{provider}"\nbase_url = "{server.url}"\nkey_env = "K"\n'
    return rig(settings="\n".join((table, f'models = ["{model}"]', *lines)), environment={"K": "k"})


@pytest.mark.parametrize("client", ASK)
def test_vertex_counts_for_gemini_by_the_members_that_it_takes(client):
    async def scenario():
        places = ('project = "rails"', 'region = "global"')
        async with (
            Upstream(json_reply({"totalTokens": 42})) as server,
            cloud("vertex", server, "gemini-x", *places) as gateway,
        ):
            path, voice, field = ASK[client]
            body = {**voice.request(), "model": "cloud:gemini-x"}
            if client == "gemini":
                inner = {"model": "models/cloud:gemini-x", "contents": body["contents"]}
                body = {"generateContentRequest": inner}
            answer = await gateway.post(path.format("cloud:gemini-x"), body, *voice.headers)
            (seen,) = server.requests
            return answer.json()[field], seen.target, seen.json()

    count, target, body = run(scenario())

    assert count == 42
    assert target == "/publishers/google/models/gemini-x:countTokens"
    assert body.keys() <= {"contents", "systemInstruction", "tools", "generationConfig"}
    assert "Hello" in str(body["contents"])


@pytest.mark.parametrize(("reply", "estimated"), [(json_reply({"inputTokens": 42}), None), (403, "true")])
def test_bedrock_counts_for_claude_by_its_own_api_or_not_at_all(reply, estimated):
    async def scenario():
        said = json_reply({"message": "not authorized"}, reply) if isinstance(reply, int) else reply
        model = "us.anthropic.claude-x"
        async with (
            Upstream(said, ANTHROPIC.whole()) as server,
            cloud("bedrock", server, model, 'region = "eu-central-1"') as gateway,
        ):
            body = {**ANTHROPIC.request(), "model": f"cloud:{model}"}
            answer = await gateway.post("/v1/messages/count_tokens", body, *ANTHROPIC.headers)
            again = await gateway.post("/v1/messages", body, *ANTHROPIC.headers)
            return answer, again.status, server.requests[0].target

    answer, again, target = run(scenario())

    assert again == 200

    assert answer.json()["input_tokens"] > 0
    assert answer.header("x-pointsman-estimate") == estimated
    assert answer.header("x-pointsman-losses") is None
    assert target == "/model/us.anthropic.claude-x/count-tokens"


def test_a_relayed_count_names_the_model_as_the_backend_does_where_the_request_stands_in_it():
    body = (
        b'{"generateContentRequest": {"contents": [{"parts":[{"text":"Hi"}]}], "model":"models/gemini:%s"} }'
    )

    async def scenario():
        async with Upstream(json_reply({"totalTokens": 42})) as server, rig(gemini=server) as gateway:
            name = f"gemini:{GEMINI.model}"
            sent = body.replace(b"%s", GEMINI.model.encode())
            answer = await gateway.post(f"/v1beta/models/{name}:countTokens", sent, *GEMINI.headers)
            return answer.json(), server.requests[0].body

    count, seen = run(scenario())

    assert count == {"totalTokens": 42}
    assert seen == body.replace(b"gemini:%s", GEMINI.model.encode())

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

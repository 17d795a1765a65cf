"""Embeddings: relayed within a dialect, and between OpenAI's form and Google's."""

import base64
import struct

import pytest
from recorded import recorded
from rig import rig

from scripted import Upstream, json_reply, run

DATA = json_reply(
    {
        "object": "list",
        "model": "gpt-x",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [2.0, 3.0]},
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
        ],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
)
VALUES = json_reply({"embeddings": [{"values": [0.5, -1.0]}, {"values": [2.0, 3.0]}]})
ONE = json_reply({"embedding": {"values": [0.5, -1.0]}})
GOOGLE = "/v1beta/models/{}:{}"


def content(text):
    return {"content": {"parts": [{"text": text}]}}


def test_a_google_client_gets_one_embedding_of_a_server_of_openais_kind():
    async def scenario():
        async with Upstream(DATA) as upstream, rig(openai_chat=upstream) as gateway:
            asked = {**content("Rails"), "outputDimensionality": 2, "taskType": "RETRIEVAL_QUERY"}
            answer = await gateway.post(GOOGLE.format("openai_chat:gpt-x", "embedContent"), asked)

            assert answer.json()["embedding"]["values"] == [0.5, -1.0]
            assert answer.header("x-pointsman-losses") == "dropped taskType"
            assert upstream.requests[0].target == "/v1/embeddings"
            assert upstream.requests[0].json() == {
                "model": "gpt-x",
                "input": ["Rails"],
                "encoding_format": "float",
                "dimensions": 2,
            }

    run(scenario())


def test_a_google_client_gets_many_embeddings_in_the_order_of_its_texts():
    async def scenario():
        async with Upstream(DATA) as upstream, rig(openai_chat=upstream) as gateway:
            asked = {"requests": [{"model": "models/any", **content(text)} for text in ("Rails", "Points")]}
            answer = await gateway.post(GOOGLE.format("openai_chat:gpt-x", "batchEmbedContents"), asked)

            assert [each["values"] for each in answer.json()["embeddings"]] == [[0.5, -1.0], [2.0, 3.0]]
            assert upstream.requests[0].json()["input"] == ["Rails", "Points"]

    run(scenario())


@pytest.mark.parametrize("coding", ["float", "base64"])
def test_a_client_of_openais_kind_gets_embeddings_of_google(coding):
    async def scenario():
        async with Upstream(VALUES) as upstream, rig(gemini=upstream) as gateway:
            asked = {"model": "gemini:gemini-x", "input": ["Rails", "Points"], "encoding_format": coding}
            answer = await gateway.post("/v1/embeddings", asked)

            told = answer.json()
            first = told["data"][0]["embedding"]
            numbers = struct.unpack("<2f", base64.b64decode(first)) if coding == "base64" else first
            assert list(numbers) == [0.5, -1.0]
            assert [each["index"] for each in told["data"]] == [0, 1]
            assert upstream.requests[0].target == GOOGLE.format("gemini-x", "batchEmbedContents")
            assert [each["model"] for each in upstream.requests[0].json()["requests"]] == [
                "models/gemini-x"
            ] * 2

    run(scenario())


def test_within_googles_dialect_the_body_is_relayed_and_only_another_name_is_put_in():
    async def scenario():
        async with Upstream(ONE, ONE) as upstream, rig(gemini=upstream) as gateway:
            body = b'{ "model" : "models/gemini-x", "content":{"parts":[{"text":"Rails"}]} , "new": 1 }'
            same = await gateway.post(GOOGLE.format("gemini-x", "embedContent"), body)
            other = await gateway.post(
                GOOGLE.format("gemini:gemini-x", "embedContent"), {**content("a"), "new": 1}
            )

            assert same.json() == other.json() == {"embedding": {"values": [0.5, -1.0]}}
            assert upstream.requests[0].body == body
            assert upstream.requests[1].json() == {**content("a"), "new": 1, "model": "models/gemini-x"}

    run(scenario())


def test_a_backend_without_embeddings_is_a_clear_400():
    async def scenario():
        async with Upstream() as upstream, rig(anthropic=upstream) as gateway:
            google = await gateway.post(GOOGLE.format("anthropic:claude-x", "embedContent"), content("a"))
            openai = await gateway.post("/v1/embeddings", {"model": "anthropic:claude-x", "input": "a"})

            assert (google.status, openai.status) == (400, 400)
            assert "no embeddings endpoint" in google.json()["error"]["message"]
            assert not upstream.requests

    run(scenario())


PRICED = '[prices."*"]\ninput = 2.0\noutput = 10.0\n'
PLAIN_ASKED = {"input": ["Rails", "Points"]}
MANY_ASKED = {"requests": [{"model": "models/any", **content(text)} for text in ("Rails", "Points")]}
BOTH = {
    "relayed": ("/v1/embeddings", {"model": "openai_chat:gpt-x", **PLAIN_ASKED}, "openai_chat", DATA),
    "put across": (GOOGLE.format("openai_chat:gpt-x", "batchEmbedContents"), MANY_ASKED, "openai_chat", DATA),
    "relayed to google": (
        GOOGLE.format("gemini:gemini-x", "batchEmbedContents"),
        MANY_ASKED,
        "gemini",
        VALUES,
    ),
    "put across to google": ("/v1/embeddings", {"model": "gemini:gemini-x", **PLAIN_ASKED}, "gemini", VALUES),
}


@pytest.mark.parametrize("way", BOTH)
def test_what_embeddings_read_is_recorded_or_estimated_where_nobody_says_it(way):
    async def scenario():
        target, asked, name, reply = BOTH[way]
        async with Upstream(reply) as upstream, rig(settings=PRICED, **{name: upstream}) as gateway:
            answer = await gateway.post(target, asked)
            (row,) = await recorded(gateway)

            assert answer.status == 200
            assert (row["bucket"], row["output"]) == ("api", 0)
            if name == "openai_chat":
                assert (row["input"], row["cost"], row["estimated"]) == (4, 8_000, False)
            else:
                assert row["estimated"]
                assert 10 < row["input"] < 100
                assert row["cost"] == row["input"] * 2_000

    run(scenario())


def test_googles_own_count_of_what_was_read_is_recorded():
    async def scenario():
        told = {"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 3}}
        async with Upstream(json_reply(told)) as upstream, rig(settings=PRICED, gemini=upstream) as gateway:
            await gateway.post(GOOGLE.format("gemini-x", "embedContent"), content("a"))
            (row,) = await recorded(gateway)

            assert (row["input"], row["estimated"]) == (3, False)

    run(scenario())

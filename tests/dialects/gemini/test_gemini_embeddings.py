"""Embeddings asked for here and given there, and the other way round."""

import base64
import struct

import pytest

from pointsman.canon.errors import GarbledError, MalformedError, UnsupportedError
from pointsman.dialects.embedding import PLAIN
from pointsman.dialects.gemini.embeddings import (
    data_from_embeddings,
    embed_to_input,
    embeddings_from_data,
    input_to_embed,
    is_batch,
)

CONTENT = {"parts": [{"text": "Rails "}, {"text": "are long."}]}
DATA = [
    {"object": "embedding", "index": 1, "embedding": [3.0, 4.0]},
    {"object": "embedding", "index": 0, "embedding": [1.0, 2.0]},
]
ANSWER = {"object": "list", "data": DATA, "model": "m", "usage": {"prompt_tokens": 7, "total_tokens": 7}}


def test_one_content_is_one_input_with_its_size_and_what_is_lost():
    body = {
        "content": CONTENT,
        "task_type": "RETRIEVAL_QUERY",
        "outputDimensionality": 256,
        "model": "models/x",
    }

    asked, losses = embed_to_input(body, "m")

    assert asked == {
        "model": "m",
        "input": ["Rails are long."],
        "encoding_format": "float",
        "dimensions": 256,
    }
    assert [(loss.kind, loss.what) for loss in losses] == [("dropped", "taskType")]
    assert not is_batch(body)


def test_a_batch_keeps_its_order():
    requests = [{"model": "models/x", "content": {"parts": [{"text": text}]}} for text in ("a", "b")]

    asked, losses = embed_to_input({"requests": requests}, "m")

    assert (asked["input"], losses) == (["a", "b"], ())
    assert embeddings_from_data(ANSWER, batch=True) == {
        "embeddings": [{"values": [1.0, 2.0]}, {"values": [3.0, 4.0]}],
        "usageMetadata": {"promptTokenCount": 7},
    }


def test_one_embedding_is_told_as_one_and_base64_is_read():
    packed = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()

    told = embeddings_from_data({"data": [{"index": 0, "embedding": packed}]}, batch=False)

    assert told == {"embedding": {"values": (0.5, -1.0)}}


@pytest.mark.parametrize(
    "body",
    [
        {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}},
        {"requests": [{"content": CONTENT, "outputDimensionality": size} for size in (1, 2)]},
    ],
)
def test_what_would_change_the_meaning_is_refused(body):
    with pytest.raises(UnsupportedError):
        embed_to_input(body, "m")


@pytest.mark.parametrize("body", [{}, {"requests": []}, {"requests": 5}, {"content": "x"}])
def test_what_is_no_request_is_named(body):
    with pytest.raises(MalformedError):
        embed_to_input(body, "m")


@pytest.mark.parametrize("given", ["a", ["a"], ["a", "b"]])
def test_inputs_become_a_batch(given):
    body, losses = input_to_embed({"model": "n", "input": given, "dimensions": 3, "user": "u"}, "m")

    texts = [request["content"]["parts"][0]["text"] for request in body["requests"]]
    assert texts == ([given] if isinstance(given, str) else given)
    assert {request["model"] for request in body["requests"]} == {"models/m"}
    assert {request["outputDimensionality"] for request in body["requests"]} == {3}
    assert [loss.what for loss in losses] == ["user"]


@pytest.mark.parametrize(
    ("given", "error"), [([1, 2], UnsupportedError), ([], MalformedError), (5, MalformedError)]
)
def test_tokens_and_nothing_are_no_inputs(given, error):
    with pytest.raises(error):
        input_to_embed({"input": given}, "m")


def test_embeddings_become_data():
    answer = {"embeddings": [{"values": [0.5, -1.0]}], "usageMetadata": {"promptTokenCount": 4}}

    told = data_from_embeddings(answer, "m")

    assert told["data"][0]["embedding"] == [0.5, -1.0]
    assert told["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert embeddings_from_data(told, batch=True)["embeddings"][0]["values"] == [0.5, -1.0]


@pytest.mark.parametrize("coding", [None, "float", "base64"])
def test_data_are_told_in_the_coding_that_was_asked_for(coding):
    told = PLAIN.answering({"data": [{"index": 0, "embedding": [0.5, -1.0]}]}, {"encoding_format": coding})

    value = told["data"][0]["embedding"]
    numbers = struct.unpack("<2f", base64.b64decode(value)) if coding == "base64" else value
    assert list(numbers) == [0.5, -1.0]


@pytest.mark.parametrize("answer", [{}, {"embedding": 5}, {"embeddings": [{}]}, {"embedding": {"values": 1}}])
def test_an_answer_without_embeddings_is_garbled(answer):
    with pytest.raises(GarbledError):
        data_from_embeddings(answer, "m")


@pytest.mark.parametrize("answer", [{}, {"data": []}, {"data": [{"embedding": "?"}]}, {"data": [{}]}])
def test_an_answer_without_data_is_garbled(answer):
    with pytest.raises(GarbledError):
        embeddings_from_data(answer, batch=False)

"""What is sent to Bedrock, and what is told in its form, holds to botocore's own model of the service."""

import json
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from dialects.bedrock_converse.strategies import corpus
from pointsman.wire.event_stream import encode_message

GOLDEN = Path(__file__).parents[2] / "golden"
MODEL = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def assert_valid(shape, value):
    """The value has the members of the shape, no others, and each is what it must be."""
    report = ParamValidator().validate(value, MODEL.shape_for(shape))
    assert not report.has_errors(), report.generate_report()


def golden(folder):
    """What reaches Bedrock, or its clients, of the corpus of every other dialect."""
    paths = sorted((GOLDEN / folder).glob("*.bedrock_converse.json"))
    return [pytest.param(path, id=path.name) for path in paths]


@pytest.mark.parametrize("path", golden("requests"))
def test_a_translated_request_is_one_that_botocore_would_send(path):
    told = json.loads(path.read_text())
    if "refused" in told or "anthropic_beta" in path.read_text():
        return

    assert_valid("ConverseRequest", {"modelId": "m", **told["body"]})
    assert_valid("ConverseStreamRequest", {"modelId": "m", **told["body"]})


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in corpus("requests", ".json")])
def test_a_request_of_the_corpus_is_one_that_botocore_would_send(path):
    assert_valid("ConverseRequest", {"modelId": "m", **json.loads(path.read_text())})


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in corpus("answers", ".json")])
def test_an_answer_of_the_corpus_is_one_that_botocore_knows(path):
    assert_valid("ConverseResponse", json.loads(path.read_text()))


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in corpus("streams", ".sse")])
def test_the_events_of_the_corpus_are_those_that_botocore_knows(path):
    for frame in path.read_text().strip().split("\n\n"):
        name, data = frame.split("\n", 1)
        event = name.removeprefix("event: ")
        assert_valid("ConverseStreamOutput", {event: json.loads(data.removeprefix("data: "))})


def test_messages_that_are_written_here_are_read_by_botocore():
    buffer = EventStreamBuffer()
    headers = {
        ":event-type": "a",
        ":message-type": "event",
        "yes": True,
        "no": False,
        "n": -5,
        "raw": b"\x00",
    }

    buffer.add_data(encode_message(headers, b"{}") * 2)

    messages = list(buffer)
    assert [(message.headers, message.payload) for message in messages] == [(headers, b"{}")] * 2

"""The mock upstream's answers are what servers send, and the requests what clients send."""

import json

import pytest
from bench.answers import anthropic_events, anthropic_whole, chat_events, chat_whole
from bench.asking import request
from bench.table import ratio, table, whole
from bench.ways import ANTHROPIC, CHAT, Way

from pointsman.canon.events import MessageEnd, TextDelta
from pointsman.dialects.dialect import Origin
from pointsman.dialects.registry import DIALECTS

STREAMS = [("anthropic", anthropic_events), ("openai_chat", chat_events)]
WHOLES = [("anthropic", anthropic_whole), ("openai_chat", chat_whole)]


@pytest.mark.parametrize(("dialect", "events"), STREAMS)
def test_a_stream_of_the_mock_is_whole_and_has_as_many_deltas_as_asked(dialect, events):
    decoder = DIALECTS[dialect].decoder(Origin())

    read = [*decoder.feed(b"".join(events(100))), *decoder.close()]

    assert sum(isinstance(event, TextDelta) for event in read) == 100
    assert isinstance(read[-1], MessageEnd)


@pytest.mark.parametrize(("dialect", "answer"), WHOLES)
def test_a_whole_answer_of_the_mock_is_one_of_its_dialect(dialect, answer):
    read = list(DIALECTS[dialect].whole(json.loads(answer()), Origin()))

    assert isinstance(read[-1], MessageEnd)


@pytest.mark.parametrize("path", [ANTHROPIC, CHAT])
@pytest.mark.parametrize("size", [1024, 102_400, 1_048_576])
def test_a_request_has_the_size_that_is_measured(path, size):
    head, _, body = request(Way("relay", 1, path, "a:"), "plain", size).partition(b"\r\n\r\n")

    assert size <= len(body) <= size * 1.1
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body)["model"] == "a:plain"


def test_a_table_shows_ratios_and_leaves_out_what_was_not_measured():
    figures = {"nginx": 20.0, "relay": 300.0}

    shown = table("way", ["direct", "relay"], [("CPU", figures, whole), ("×", ratio(figures, "none"), whole)])

    assert shown.splitlines() == ["| way | CPU |", "| --- | ---: |", "| direct | – |", "| relay | 300 |"]
    assert ratio(figures, "nginx") == {"nginx": 1.0, "relay": 15.0}

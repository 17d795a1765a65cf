"""The mock upstream's answers are what servers send, and the requests what clients send."""

import itertools
import json

import pytest
from bench.asking import request
from bench.mock import asked
from bench.processes import Process
from bench.table import beside, matrix, ratio, table, whole
from bench.voices import VOICES
from bench.ways import Way, pointsman_ways

from pointsman.canon.events import MessageEnd, TextDelta, UnknownDelta, UnknownEvent
from pointsman.dialects.dialect import Origin
from pointsman.dialects.registry import DIALECTS


def body_of(asking):
    return json.loads(asking.partition(b"\r\n\r\n")[2])


EACH_VOICE = pytest.mark.parametrize("voice", VOICES.values(), ids=VOICES)


@EACH_VOICE
def test_a_stream_of_the_mock_is_whole_and_has_as_many_deltas_as_asked(voice):
    decoder = DIALECTS[voice.dialect].decoder(Origin())

    read = [*decoder.feed(b"".join(voice.events(100))), *decoder.close()]

    assert sum(isinstance(event, TextDelta) and event.text != "" for event in read) == 100
    assert isinstance(read[-1], MessageEnd)


@EACH_VOICE
def test_a_whole_answer_of_the_mock_is_one_of_its_dialect(voice):
    read = list(DIALECTS[voice.dialect].whole(json.loads(voice.whole()), Origin()))

    assert isinstance(read[-1], MessageEnd)


@EACH_VOICE
def test_nothing_of_a_dialect_is_unknown_in_the_mocks_answers(voice):
    dialect = DIALECTS[voice.dialect]
    decoder = dialect.decoder(Origin())

    read = [*decoder.feed(b"".join(voice.events(10))), *dialect.whole(json.loads(voice.whole()), Origin())]

    assert not any(isinstance(event, UnknownDelta) for event in read)
    assert {event.name for event in read if isinstance(event, UnknownEvent)} <= {""}


@EACH_VOICE
def test_only_the_last_piece_of_a_stream_holds_what_marks_its_end(voice):
    *pieces, last = voice.events(10)

    assert voice.last in last
    assert not any(voice.last in piece for piece in pieces)


@EACH_VOICE
def test_a_request_of_the_benchmark_is_one_of_its_dialect(voice):
    way = Way("relay", 1, voice.dialect)

    decoded = DIALECTS[voice.dialect].decode_request(body_of(request(way, "burst-10", 10_000)))

    assert [message.role for message in decoded.messages] == ["user", "assistant"] * 2 + ["user"]


@EACH_VOICE
@pytest.mark.parametrize("answer", ["plain", "burst-7"])
def test_the_mock_knows_what_it_is_asked_for(voice, answer):
    head, _, body = request(Way("direct", 1, voice.dialect), answer).partition(b"\r\n\r\n")

    assert asked(head, body) == (voice.dialect, answer)


@EACH_VOICE
@pytest.mark.parametrize("size", [1024, 102_400, 1_048_576])
def test_a_request_has_the_size_that_is_measured(voice, size):
    head, _, body = request(Way("relay", 1, voice.dialect, "a:"), "plain", size).partition(b"\r\n\r\n")

    assert size <= len(body) <= size * 1.1
    assert f"content-length: {len(body)}".encode() in head
    assert b"a:plain" in head + body


def test_the_ways_are_all_pairs_and_the_relays_come_first():
    ways = pointsman_ways(Process(1), 1)

    assert {(way.dialect, way.upstream) for way in ways} == set(itertools.product(VOICES, VOICES))
    assert all(way.relays for way in ways[: len(VOICES)])


def test_a_table_shows_ratios_and_leaves_out_what_was_not_measured():
    figures = {"nginx": 20.0, "relay": 300.0}

    shown = table("way", ["direct", "relay"], [("CPU", figures, whole), ("×", ratio(figures, "none"), whole)])

    assert shown.splitlines() == ["| way | CPU |", "| --- | ---: |", "| direct | – |", "| relay | 300 |"]
    assert ratio(figures, "nginx") == {"nginx": 1.0, "relay": 15.0}


def test_a_matrix_shows_each_pair_beside_a_base_and_what_misses_its_aim_in_bold():
    figures = {("a", "a"): 5.0, ("a", "b"): 30.0, ("b", "a"): 29.0, ("b", "b"): 6.0}

    shown = matrix("from", ["a", "b"], lambda row, column: beside(figures[row, column], 2.0, whole, 30))

    assert shown.splitlines() == [
        "| from | a | b |",
        "| --- | ---: | ---: |",
        "| a | 5 (2.5) | **30** (15.0) |",
        "| b | 29 (14.5) | 6 (3.0) |",
    ]
    assert beside(5.0, None, whole) == "5"

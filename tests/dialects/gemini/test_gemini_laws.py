"""The laws of design, section 4, for Gemini: over a corpus and whatever hypothesis finds."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialects.gemini.strategies import answers, requests, streams
from dialects.laws import (
    ASKED,
    assert_answer_identity,
    assert_chunking,
    assert_fold,
    assert_rendered_fold,
    assert_request_identity,
    assert_stream_identity,
    assert_truncation,
    events_of,
    rendered,
)
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT

CORPUS = Path(__file__).parents[2] / "corpus" / "gemini"
REQUESTS = sorted((CORPUS / "requests").glob("*.json"))
ANSWERS = sorted((CORPUS / "answers").glob("*.json"))
STREAMS = sorted((CORPUS / "streams").glob("*.sse"))


def named(paths):
    return [pytest.param(path, id=path.stem) for path in paths]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", named(REQUESTS))
def test_a_request_comes_back_as_it_was(path):
    assert_request_identity(DIALECT, read(path))


@pytest.mark.parametrize("path", named(ANSWERS))
def test_a_whole_answer_comes_back_as_it_was(path):
    assert_answer_identity(DIALECT, read(path))


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_comes_back_response_by_response(path):
    assert_stream_identity(DIALECT, path.read_bytes())


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_read_written_and_read_again_says_the_same(path):
    events = events_of(DIALECT, path.read_bytes())

    again = events_of(DIALECT, rendered(DIALECT, events))

    assert DIALECT.fold(gather(again), ASKED) == DIALECT.fold(gather(events), ASKED)


@pytest.mark.parametrize("path", named(path for path in ANSWERS if path.stem != "empty"))
def test_a_whole_answer_rendered_as_a_stream_folds_to_itself(path):
    assert_rendered_fold(DIALECT, read(path))


@pytest.mark.parametrize("name", ["max_tokens", "code_execution", "image", "grounding"])
def test_a_stream_folds_to_the_answer_that_is_not_streamed(name):
    stream, body = (
        (CORPUS / "streams" / f"{name}.sse").read_bytes(),
        read(CORPUS / "answers" / f"{name}.json"),
    )
    streamed = DIALECT.fold(gather(events_of(DIALECT, stream)), ASKED)

    assert streamed["candidates"] == body["candidates"]


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_fed_byte_by_byte_says_the_same(path):
    stream = path.read_bytes()

    assert_chunking(DIALECT, stream, range(len(stream)))


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_cut_stream_is_never_taken_for_a_whole_one(path):
    stream = path.read_bytes()
    for length in range(0, len(stream), 7):
        assert_truncation(DIALECT, stream, length)


@pytest.mark.parametrize("path", named(STREAMS))
def test_an_array_says_the_same_as_events_and_is_whole_only_with_its_end(path):
    items = [line[6:] for line in path.read_text().splitlines() if line.startswith("data: ")]
    array = ("[" + ",\r\n".join(items) + "\n]").encode()

    assert events_of(DIALECT, array) == events_of(DIALECT, path.read_bytes())
    assert_chunking(DIALECT, array, range(len(array)))
    for length in range(0, len(array), 7):
        assert_truncation(DIALECT, array, length)


many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(body=requests)
def test_any_request_comes_back_as_it_was(body):
    assert_request_identity(DIALECT, body)


@many
@given(body=answers)
def test_any_whole_answer_comes_back_as_it_was(body):
    assert_answer_identity(DIALECT, body)


@many
@given(body=answers)
def test_any_whole_answer_rendered_as_a_stream_folds_to_itself(body):
    assert_rendered_fold(DIALECT, body)


@many
@given(case=streams())
def test_any_stream_comes_back_response_by_response(case):
    assert_stream_identity(DIALECT, case[0])


@many
@given(case=streams(), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_any_stream_may_be_cut_anywhere(case, cuts):
    assert_chunking(DIALECT, case[0], cuts)


@many
@given(case=streams())
def test_any_stream_folds_to_the_answer_that_is_not_streamed(case):
    assert_fold(DIALECT, *case)


@many
@given(case=streams(), part=st.floats(0, 1))
def test_any_stream_that_stops_before_its_end_is_cut(case, part):
    stream = case[0]

    assert_truncation(DIALECT, stream, int(len(stream) * part))

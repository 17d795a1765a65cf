"""The laws of the dialects for the Responses API: over a corpus and whatever hypothesis finds."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from dialects.openai_responses.strategies import answers, requests
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_responses import DIALECT

CORPUS = Path(__file__).parents[2] / "corpus" / "openai_responses"
REQUESTS = sorted((CORPUS / "requests").glob("*.json"))
ANSWERS = sorted((CORPUS / "answers").glob("*.json"))
STREAMS = sorted((CORPUS / "streams").glob("*.sse"))
OTHER_LINES = {"crlf_and_done"}
"""Streams whose events have no names, or that end in `[DONE]`: said again with names, and without."""
BOTH = [path for path in ANSWERS if (CORPUS / "streams" / f"{path.stem}.sse").exists()]


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


@pytest.mark.parametrize("path", named(path for path in STREAMS if path.stem not in OTHER_LINES))
def test_a_stream_comes_back_frame_by_frame(path):
    assert_stream_identity(DIALECT, path.read_bytes())


@pytest.mark.parametrize("path", named(BOTH))
def test_a_stream_folds_to_the_whole_answer(path):
    assert_fold(DIALECT, (CORPUS / "streams" / f"{path.stem}.sse").read_bytes(), read(path))


@pytest.mark.parametrize("path", named(path for path in BOTH if path.stem != "logprobs"))
def test_a_stream_becomes_the_same_blocks_as_the_whole_answer(path):
    streamed = gather(events_of(DIALECT, (CORPUS / "streams" / f"{path.stem}.sse").read_bytes()))
    whole = gather(DIALECT.whole(read(path), Origin()))

    assert streamed.choices == whole.choices
    assert streamed.usage == whole.usage


@pytest.mark.parametrize("path", named(ANSWERS))
def test_a_whole_answer_rendered_as_a_stream_folds_to_itself(path):
    assert_rendered_fold(DIALECT, read(path))


@pytest.mark.parametrize("path", named(STREAMS))
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 9000), max_size=8))
def test_where_the_bytes_are_cut_changes_nothing(path, cuts):
    assert_chunking(DIALECT, path.read_bytes(), cuts)


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_fed_byte_by_byte_says_the_same(path):
    stream = path.read_bytes()

    assert_chunking(DIALECT, stream, range(len(stream)))


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_cut_stream_is_never_taken_for_a_whole_one(path):
    stream = path.read_bytes().partition(b"data: [DONE]")[0]
    for length in range(0, len(stream), 7):
        assert_truncation(DIALECT, stream, length)


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
@given(body=answers, cuts=st.lists(st.integers(0, 5000), max_size=6))
def test_any_stream_may_be_cut_anywhere(body, cuts):
    assert_chunking(DIALECT, rendered(DIALECT, DIALECT.whole(body, Origin())), cuts)


@many
@given(body=answers)
def test_any_stream_comes_back_frame_by_frame(body):
    assert_stream_identity(DIALECT, rendered(DIALECT, DIALECT.whole(body, Origin()), ASKED))

"""The laws of design, section 4, for Bedrock Converse."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialects.bedrock_converse.strategies import answers, corpus, requests, stream_of, wire
from dialects.laws import (
    assert_answer_identity,
    assert_chunking,
    assert_fold,
    assert_rendered_fold,
    assert_request_identity,
    assert_stream_identity,
    assert_truncation,
)
from pointsman.dialects.bedrock_converse import DIALECT

REQUESTS = corpus("requests", ".json")
ANSWERS = corpus("answers", ".json")
STREAMS = corpus("streams", ".sse")
PAIRS = [(name, path, path.parents[1] / "answers" / f"{name}.json") for name, path in STREAMS]
some = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
cuts = st.lists(st.integers(0, 4000), max_size=6)


@pytest.mark.parametrize(("name", "path"), REQUESTS)
def test_a_real_request_survives_its_own_dialect(name, path):
    assert_request_identity(DIALECT, json.loads(path.read_text()))


@some
@given(requests)
def test_any_request_survives_its_own_dialect(body):
    assert_request_identity(DIALECT, body)


@pytest.mark.parametrize(("name", "path"), ANSWERS)
def test_a_real_answer_survives_its_own_dialect(name, path):
    assert_answer_identity(DIALECT, json.loads(path.read_text()))


@some
@given(answers)
def test_any_answer_survives_its_own_dialect(body):
    assert_answer_identity(DIALECT, body)


@pytest.mark.parametrize(("name", "path"), STREAMS)
def test_a_real_stream_survives_its_own_dialect(name, path):
    assert_stream_identity(DIALECT, path.read_bytes())


@some
@given(answers, st.lists(st.integers(0, 20), max_size=3))
def test_any_stream_survives_its_own_dialect(body, places):
    assert_stream_identity(DIALECT, wire(stream_of(body, places)))


@pytest.mark.parametrize(("name", "path"), STREAMS)
def test_a_real_stream_reads_the_same_byte_by_byte(name, path):
    stream = path.read_bytes()

    assert_chunking(DIALECT, stream, range(len(stream)))


@some
@given(answers, cuts)
def test_any_stream_reads_the_same_however_it_is_cut(body, places):
    assert_chunking(DIALECT, wire(stream_of(body)), places)


@pytest.mark.parametrize(("name", "stream", "whole"), PAIRS)
def test_a_real_stream_folds_to_the_whole_answer(name, stream, whole):
    assert_fold(DIALECT, stream.read_bytes(), json.loads(whole.read_text()))


@some
@given(answers, st.lists(st.integers(0, 20), max_size=3))
def test_any_stream_folds_to_the_whole_answer(body, places):
    assert_fold(DIALECT, wire(stream_of(body, places)), body)


@some
@given(answers)
def test_any_whole_answer_can_be_told_as_a_stream(body):
    assert_rendered_fold(DIALECT, body)


@pytest.mark.parametrize(("name", "path"), STREAMS)
def test_a_real_stream_cut_anywhere_is_never_taken_for_a_whole_one(name, path):
    stream = path.read_bytes()

    for length in range(len(stream)):
        assert_truncation(DIALECT, stream, length)

"""The laws of design, section 4, for Chat Completions: over a corpus and whatever hypothesis finds."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialects.laws import (
    ASKED,
    assert_answer_identity,
    assert_chunking,
    assert_rendered_fold,
    assert_request_identity,
    assert_stream_identity,
    assert_truncation,
    events_of,
    rendered,
)
from dialects.openai_chat.strategies import answers, requests, streams
from pointsman.canon.errors import TruncatedError
from pointsman.canon.events import MessageEnd, Stop
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT

CORPUS = Path(__file__).parents[2] / "corpus" / "openai_chat"
REQUESTS = sorted((CORPUS / "requests").glob("*.json"))
ANSWERS = sorted((CORPUS / "answers").glob("*.json"))
STREAMS = sorted((CORPUS / "streams").glob("*.sse"))
OWN_WAY = {
    "openai_text",
    "openai_tools",
    "openai_refusal",
    "openai_logprobs",
    "openai_audio",
    "openai_two_choices",
}
OWN_WAY |= {"openai_annotations", "llamacpp", "legacy_function", "late_fields"}
"""Streams that open, interleave and end as this dialect's encoder does."""


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


@pytest.mark.parametrize("path", named(path for path in STREAMS if path.stem in OWN_WAY))
def test_a_stream_comes_back_frame_by_frame(path):
    assert_stream_identity(DIALECT, path.read_bytes())


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_read_written_and_read_again_says_the_same(path):
    events = events_of(DIALECT, path.read_bytes())

    again = events_of(DIALECT, rendered(DIALECT, events))

    assert DIALECT.fold(gather(again), ASKED) == DIALECT.fold(gather(events), ASKED)


@pytest.mark.parametrize("path", named(path for path in ANSWERS if path.stem != "calls_with_an_index"))
def test_a_whole_answer_rendered_as_a_stream_folds_to_itself(path):
    assert_rendered_fold(DIALECT, read(path))


@pytest.mark.parametrize("path", named(STREAMS))
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=8))
def test_where_the_bytes_are_cut_changes_nothing(path, cuts):
    assert_chunking(DIALECT, path.read_bytes(), cuts)


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_stream_fed_byte_by_byte_says_the_same(path):
    stream = path.read_bytes()

    assert_chunking(DIALECT, stream, range(len(stream)))


@pytest.mark.parametrize("path", named(STREAMS))
def test_a_cut_stream_is_never_taken_for_a_whole_one(path):
    stream = path.read_bytes()
    for length in range(0, len(stream), 7):
        decoder = DIALECT.decoder(Origin())
        events = list(decoder.feed(stream[:length]))
        try:
            events += list(decoder.close())
        except TruncatedError:
            continue
        begun = {event.choice for event in events if hasattr(event, "choice")}
        told = {event.choice for event in events if isinstance(event, Stop)}

        assert isinstance(events[-1], MessageEnd)
        assert begun == told
        assert (
            b"finish_reason" in stream[:length].replace(b'"finish_reason":null', b"")
            or b"[DONE]" in stream[:length]
        )


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
@given(stream=streams())
def test_any_stream_comes_back_frame_by_frame(stream):
    assert_stream_identity(DIALECT, stream)


@many
@given(stream=streams(), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_any_stream_may_be_cut_anywhere(stream, cuts):
    assert_chunking(DIALECT, stream, cuts)


@many
@given(stream=streams(), part=st.floats(0, 1))
def test_any_stream_that_stops_before_its_finish_is_cut(stream, part):
    before = stream[: stream.rindex(b'"finish_reason": "')]

    assert_truncation(DIALECT, stream, int(len(before) * part))

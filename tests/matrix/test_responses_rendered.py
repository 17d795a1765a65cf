"""Every answer of the corpus for a client of the Responses API: what it reads fits the public schemas."""

import json

import pytest

from dialects.laws import frames_of
from matrix.crossing import as_stream, cases, streamed, told, whole
from pointsman.canon.events import Failure
from schemas_responses import assert_event, assert_response, assert_stream

NAME = "openai_responses"


def foreign(folder, suffix):
    return [
        pytest.param(source, path, id=f"{case}.{source}")
        for case, source, path in cases(folder, suffix)
        if source != NAME
    ]


@pytest.mark.parametrize(("source", "path"), foreign("answers", ".json"))
def test_a_whole_answer_fits_the_schemas_in_both_forms(source, path):
    events = whole(source, json.loads(path.read_text()))

    assert_response(told(NAME, events)["answer"])
    assert_stream(frames_of(as_stream(NAME, events)))


@pytest.mark.parametrize(("source", "path"), foreign("streams", ".sse"))
def test_a_stream_fits_the_schemas_event_by_event(source, path):
    events = streamed(source, path.read_bytes())

    assert_stream(frames_of(as_stream(NAME, events)))


@pytest.mark.parametrize(("source", "path"), foreign("errors", ".sse"))
def test_a_stream_that_fails_ends_in_both_events_of_a_failure(source, path):
    events = streamed(source, path.read_bytes())
    frames = frames_of(as_stream(NAME, events))

    assert isinstance(events[-1], Failure)
    assert [name for name, _ in frames[-2:]] == ["error", "response.failed"]
    for name, value in frames[:-1]:
        assert_event(name, value)

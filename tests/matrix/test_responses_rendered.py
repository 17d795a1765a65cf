"""Every answer of the corpus for a client of the Responses API: what it reads fits the public schemas."""

import json

import pytest

from dialects.laws import frames_of, rendered
from matrix.crossing import as_stream, cases, streamed, told, whole
from pointsman.canon.blocks import Text, ToolCall
from pointsman.canon.events import BlockEnd, BlockStart, Failure, MessageEnd, MessageStart, Stop, TextDelta
from pointsman.dialects.registry import DIALECTS
from schemas_responses import assert_event, assert_response, assert_stream

NAME = "openai_responses"
ADDED, DONE = "response.output_item.added", "response.output_item.done"


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


@pytest.mark.parametrize(("source", "path"), foreign("streams", ".sse"))
def test_an_item_of_a_stream_is_done_before_the_next_one_is_added(source, path):
    frames = frames_of(as_stream(NAME, streamed(source, path.read_bytes())))

    steps = [(name, frame["output_index"]) for name, frame in frames if ".output_item." in name]
    places = [place for name, place in steps if name == ADDED]
    assert steps == [step for place in places for step in ((ADDED, place), (DONE, place))]
    assert [frame["item"] for name, frame in frames if name == DONE] == frames[-1][1]["response"]["output"]


def test_blocks_that_are_whole_while_another_is_open_follow_it_in_their_order():
    calls = [ToolCall(f"call_{at}", "f", "{}") for at in range(2000)]
    open_text = [MessageStart(), BlockStart(0, Text("First")), TextDelta(0, ", all")]
    others = [step for at, call in enumerate(calls, 1) for step in (BlockStart(at, call), BlockEnd(at))]
    late = [TextDelta(0, " of this."), BlockEnd(0), Stop("tool_use"), MessageEnd()]

    frames = frames_of(rendered(DIALECTS[NAME], [*open_text, *others, *late]))

    message, *items = [frame["item"] for name, frame in frames if name == DONE]
    assert message["content"][0]["text"] == "First, all of this."
    assert [item["call_id"] for item in items] == [call.id for call in calls]


@pytest.mark.parametrize(("source", "path"), foreign("errors", ".sse"))
def test_a_stream_that_fails_ends_in_both_events_of_a_failure(source, path):
    events = streamed(source, path.read_bytes())
    frames = frames_of(as_stream(NAME, events))

    assert isinstance(events[-1], Failure)
    assert [name for name, _ in frames[-2:]] == ["error", "response.failed"]
    for name, value in frames[:-1]:
        assert_event(name, value)

"""A stream that broke within a frame is finished so that every reader sees an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.broken import LONGEST, finish_frame, finish_object
from pointsman.wire.sse import FrameReader, frame

ERROR = {"type": "error", "error": {"message": "it broke"}}
DATA = json.dumps(ERROR).encode()
NAMED = frame(DATA, "error")
PLAIN = frame(DATA)
WIRE = {
    "id": 'x "y" \\ z',
    "n": -12.5e3,
    "flags": [True, False, None, [], {}],
    "delta": {"type": "text", "text": "é 😀 \u2028 \\u00e9", "more": [{"a": [1, 2]}]},
    "": 0,
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def frames_of(broken, error_frame):
    ending = finish_frame(broken, error_frame)
    return FrameReader().feed(broken + ending + b"\n\n" + error_frame)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("error_frame", [NAMED, PLAIN])
def test_wherever_a_frame_is_cut_the_next_thing_read_is_the_error(error_frame, ascii_only):
    data = json.dumps(WIRE, ensure_ascii=ascii_only).encode()
    whole = frame(data, "delta" if error_frame is NAMED else "")
    for place in range(1, len(whole) - 2):
        first = frames_of(whole[:place], error_frame)[0]

        if first.data != data:
            assert json.loads(first.data)["error"] == ERROR["error"], whole[:place]
            assert json.loads(first.data)["type"] == "error"
            assert first.event == ("error" if error_frame is NAMED else "")


@given(st.dictionaries(st.text(), values, max_size=4), st.data(), st.booleans())
def test_the_beginning_of_any_object_can_be_finished(value, data, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    place = data.draw(st.integers(1, len(text) - 1))
    begun = text[:place]

    finished = json.loads((begun + finish_object(begun, DATA)).decode("utf-8", "surrogatepass"))

    assert finished["error"] == ERROR["error"]
    assert list(finished)[-1] in {*ERROR, *value}


@pytest.mark.parametrize(
    "passed", [b"", frame(b'{"a":1}'), frame(b'{"a":1}') + b": wait", b"event: delta\ndata: {}\n", b"\n\n"]
)
def test_at_the_border_of_a_frame_nothing_is_added(passed):
    assert finish_frame(passed, NAMED) == b""


@pytest.mark.parametrize("data", [b"hello", b"[DO", b"[1, 2", b'{"a":1}, {', b'{"a" 1'])
def test_what_is_no_object_is_left_as_it_is(data):
    assert finish_frame(b"data: " + data, NAMED) == b""


def test_a_frame_that_is_too_long_to_be_read_anew_is_left_as_it_is():
    assert finish_frame(b'data: {"a":"' + b"x" * LONGEST, NAMED) == b""


def test_data_over_several_lines_is_finished_too():
    first = frames_of(b'data: {"a":1,\ndata: "b":[2,', PLAIN)[0]

    assert json.loads(first.data) == {"a": 1, "b": [2, 0], **ERROR}


def test_data_over_several_lines_is_finished_within_the_field_that_comes_next():
    first = frames_of(b'event: x\ndata: {"a":1,\nid', NAMED)[0]

    assert (first.event, json.loads(first.data)) == ("error", {"a": 1, **ERROR})

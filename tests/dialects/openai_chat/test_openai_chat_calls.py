"""Which call of a stream a fragment belongs to."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.laws import events_of
from pointsman.canon.blocks import ToolCall
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT
from pointsman.dialects.openai_chat.calls import Brackets

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[]\n\u00e9', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\{}', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text('a"\\{}', max_size=3), values, max_size=3)
cuts = st.lists(st.integers(0, 200), max_size=8)


def named_in_each(*fragments):
    """The arguments of the calls in a stream that says index and name with every fragment, and no id."""
    called = [{"index": 0, "function": {"name": "f", "arguments": each}} for each in fragments]
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [each]}}]} for each in called]
    chunks.append({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    stream = b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks)
    blocks = gather(events_of(DIALECT, stream)).choices[0].blocks
    return [block.arguments for block in blocks if isinstance(block, ToolCall)]


def test_a_call_repeated_by_name_is_begun_anew_once_its_arguments_are_whole():
    assert named_in_each('{"a"', ":1}", '{"a":', "2}") == ['{"a":1}', '{"a":2}']


@pytest.mark.parametrize(
    "fragments",
    [
        ('{"a":"}', '"}'),
        ('{"a":"\\', '"}', '"}'),
        ('{"a":"\\\\\\', '"}"', "}"),
        ('{"a":{"b":[1]}', "}"),
        ("", "{", "}"),
    ],
)
def test_a_bracket_within_a_string_or_an_inner_one_ends_no_call(fragments):
    assert named_in_each(*fragments, "{}") == ["".join(fragments), "{}"]


@given(value=objects, cuts=cuts, indent=st.sampled_from([None, 1]))
def test_an_object_is_whole_at_its_last_bracket_and_not_before_however_it_is_cut(value, cuts, indent):
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    ends = [*sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise([0, *ends])]
    brackets = Brackets()

    *early, last = (brackets.closed(pieces[: count + 1]) for count in range(len(pieces)))

    assert not any(early)
    assert last

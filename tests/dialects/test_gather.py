"""Events folded into an answer."""

import pytest

from pointsman.canon.blocks import Citation, Native, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.canon.errors import Fault, RefusedError, TruncatedError
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    Choice,
    CitationDelta,
    Failure,
    MessageEnd,
    MessageStart,
    NativeDelta,
    Ping,
    Stop,
    TextDelta,
    ThinkingDelta,
    UnknownDelta,
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.gather import gather, merge_usage


def test_deltas_grow_the_blocks_they_name():
    answer = gather(
        [
            MessageStart(id="m", model="x", usage=Usage(input=3, output=1)),
            BlockStart(0, Thinking("")),
            ThinkingDelta(0, "hm"),
            NativeDelta(0, Native("d", "i", {"signature": "s"})),
            BlockEnd(0),
            BlockStart(1, Text("a")),
            BlockStart(2, ToolCall("t", "f")),
            ArgumentsDelta(2, '{"a"'),
            TextDelta(1, "b"),
            CitationDelta(1, Citation(url="u")),
            ArgumentsDelta(2, ":1}"),
            Ping(),
            Stop("tool_use"),
            UsageReport(Usage(output=9)),
            MessageEnd(),
        ]
    )

    assert answer.id == "m"
    assert answer.choices == (
        Choice(
            (
                Thinking("hm", Native("d", "i", {"signature": "s"})),
                Text("ab", (Citation(url="u"),)),
                ToolCall("t", "f", '{"a":1}'),
            ),
            Stop("tool_use"),
        ),
    )
    assert answer.usage == Usage(input=3, output=9)


def test_several_answers_are_kept_apart():
    answer = gather(
        [
            MessageStart(),
            BlockStart(0, Text("one")),
            BlockStart(1, Text("two"), choice=1),
            Stop("end", choice=1),
            Stop("end"),
            MessageEnd(),
        ]
    )

    assert [choice.blocks for choice in answer.choices] == [(Text("one"),), (Text("two"),)]


def test_log_probabilities_are_joined():
    answer = gather(
        [
            BlockStart(0, Text("")),
            TextDelta(0, "a", {"logprobs": {"content": [1], "refusal": None}}),
            TextDelta(0, "b", {"logprobs": {"content": [2], "refusal": None}}),
            MessageEnd(),
        ]
    )

    assert answer.choices[0].blocks[0].extra == {"logprobs": {"content": [1, 2], "refusal": None}}


def test_opaque_state_in_pieces_is_merged():
    call = ServerTool("call", "s", "web_search", Native("d", "", {"id": "s", "input": {}}))

    answer = gather(
        [BlockStart(0, call), NativeDelta(0, Native("d", "", {"input": {"q": 1}})), BlockEnd(0), MessageEnd()]
    )

    assert answer.choices[0].blocks[0].native.data == {"id": "s", "input": {"q": 1}}


def test_unknown_deltas_grow_an_unknown_block_of_their_dialect():
    start = BlockStart(0, Unknown("d", {"type": "compaction", "content": None}))

    answer = gather(
        [
            start,
            UnknownDelta(0, "d", {"type": "compaction_delta", "content": "a"}),
            UnknownDelta(0, "d", {"type": "compaction_delta", "content": "b"}),
            UnknownDelta(0, "other", {"content": "c"}),
            MessageEnd(),
        ]
    )

    assert answer.choices[0].blocks[0].data == {"type": "compaction", "content": "ab"}


def test_an_answer_without_its_end_is_truncated():
    with pytest.raises(TruncatedError):
        gather([MessageStart(), BlockStart(0, Text("half"))])


def test_a_failure_inside_the_answer_is_raised():
    with pytest.raises(RefusedError, match="overloaded"):
        gather([MessageStart(), Failure(Fault("overloaded", "overloaded", 529)), MessageEnd()])


def test_deltas_of_blocks_that_never_began_are_passed_over():
    native = Native("d", "", {"x": 1})
    strays = [
        TextDelta(7, "x"),
        CitationDelta(7, Citation()),
        NativeDelta(7, native),
        UnknownDelta(7, "d", {}),
    ]

    assert gather([*strays, MessageEnd()]).choices == ()


@pytest.mark.parametrize("name", [name for name in Usage.__struct_fields__ if name != "extra"])
def test_a_later_report_replaces_a_count_that_it_names_and_no_other(name):
    earlier, later = Usage(**{name: 3}), Usage(**{name: 5})

    assert merge_usage(earlier, later) == later
    assert merge_usage(earlier, Usage()) == earlier
    assert merge_usage(Usage(), later) == later


def test_a_later_report_keeps_counters_of_the_dialect_that_it_does_not_name_or_leaves_null():
    earlier, later = Usage(extra={"a": 1, "b": 2}), Usage(extra={"b": 3, "a": None, "c": None})

    assert merge_usage(earlier, later).extra == {"a": 1, "b": 3, "c": None}

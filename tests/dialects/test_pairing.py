"""Calls and results that belong together."""

import pytest

from pointsman.canon.blocks import Text, ToolCall, ToolResult
from pointsman.canon.errors import MalformedError
from pointsman.canon.request import Message
from pointsman.dialects.pairing import answered_once, check_messages, results_first

HELLO = Message("user", (Text("hi"),))
SO = Message("user", (Text("so?"),))
CALL = Message("assistant", (ToolCall("call_1", "f"),))
RESULT = Message("user", (ToolResult("call_1"),))
LATE = Message("system", (Text("now"),))


@pytest.mark.parametrize(
    ("messages", "code", "where"),
    [
        ([HELLO, CALL], "unanswered_tool_call", "messages[1]"),
        ([HELLO, CALL, SO], "unanswered_tool_call", "messages[2]"),
        ([HELLO, CALL, SO, CALL, RESULT], "unanswered_tool_call", "messages[2]"),
        ([RESULT], "orphan_tool_result", "messages"),
        ([HELLO, RESULT], "orphan_tool_result", "messages"),
        (
            [HELLO, CALL, RESULT, Message("assistant", (Text("a"),)), RESULT],
            "orphan_tool_result",
            "messages[4]",
        ),
    ],
)
def test_calls_and_results_that_do_not_match_are_a_named_error(messages, code, where):
    with pytest.raises(MalformedError, match="call_1") as caught:
        check_messages(messages)

    assert (caught.value.code, caught.value.param) == (code, where)


def test_turns_of_one_side_are_one_and_instructions_between_do_not_count():
    check_messages([HELLO, CALL, LATE, RESULT, SO, CALL, SO, RESULT, HELLO])
    check_messages([])


def test_the_results_of_calls_go_before_what_was_said_in_between():
    call, other = ToolCall("c1", "now"), ToolCall("c2", "now")
    said, told = Message("user", (Text("Stop."),)), Message("developer", (Text("Be brief."),))
    first, second = Message("tool", (ToolResult("c1"),)), Message("tool", (ToolResult("c2"),))
    asked = Message("assistant", (call, other))
    done = Message("assistant", (Text("Done."),))

    ordered = results_first((asked, said, first, told, second, done, said))

    assert ordered == (asked, first, second, said, told, done, said)
    assert results_first((asked, said)) == (asked, said)


def asked(*ids):
    return Message("assistant", tuple(ToolCall(id, "f") for id in ids))


def told(id, text):
    return Message("tool", (ToolResult(id, (Text(text),)),))


def test_a_result_that_is_told_twice_is_told_once():
    first, second = ToolResult("c1", (Text("a"),)), ToolResult("c2", (Text("b"),))
    in_one = Message("user", (first, second, first, Text("so?")))

    messages, losses = answered_once((asked("c1", "c2"), in_one, HELLO))
    apart, _ = answered_once((asked("c1"), told("c1", "a"), LATE, told("c1", "a"), SO))

    assert messages == (asked("c1", "c2"), Message("user", (first, second, Text("so?"))), HELLO)
    assert losses == ()
    assert apart == (asked("c1"), told("c1", "a"), LATE, SO)


def test_of_results_that_differ_the_last_holds_and_that_is_named():
    messages, losses = answered_once((asked("c1"), told("c1", "a"), told("c1", "b")))

    assert messages == (asked("c1"), told("c1", "b"))
    assert [(loss.kind, loss.what) for loss in losses] == [("dropped", "tool_result")]


@pytest.mark.parametrize(
    "messages",
    [
        (asked("c", "c"), told("c", "a"), told("c", "a")),
        (asked("c"), told("c", "a"), asked("c"), told("c", "a")),
    ],
    ids=["calls that share an id", "the same id in another turn"],
)
def test_results_of_calls_of_one_id_stay(messages):
    assert answered_once(messages) == (messages, ())

"""Ids of tool calls that come again: servers that count their calls in each turn, or give each the same."""

from dialects.laws import ASKED, frames_of, rendered
from pointsman.canon.blocks import Text, ToolCall, ToolResult
from pointsman.canon.events import BlockEnd, BlockStart, MessageEnd, MessageStart, Stop
from pointsman.canon.request import Message, Request
from pointsman.canon.traits import Target
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.gather import gather


def sent(*messages):
    request = Request("elsewhere", "m", (Message("user", (Text("hi"),)), *messages), max_tokens=9)
    turns = DIALECT.encode_request(request, Target("claude", "them")).body["messages"][1:]
    return [[block.get("id") or block.get("tool_use_id") for block in turn["content"]] for turn in turns]


def test_calls_of_several_turns_have_different_ids_and_so_have_their_results():
    call = Message("assistant", (ToolCall("call_0", "f"),))
    result = Message("tool", (ToolResult("call_0", (Text("r"),)),))

    assert sent(call, result, call, result) == [["call_0"], ["call_0"], ["call_0_2"], ["call_0_2"]]


def test_calls_of_one_turn_have_different_ids_and_their_results_follow_in_order():
    calls = Message("assistant", (ToolCall("0", "f"), ToolCall("0_2", "f"), ToolCall("0", "g")))
    results = Message("tool", (ToolResult("0"), ToolResult("0_2"), ToolResult("0")))

    (first, second) = sent(calls, results)
    assert first == second
    assert len(set(first)) == 3


def test_calls_of_one_answer_have_different_ids_streamed_and_whole():
    events = [MessageStart()]
    for index in range(3):
        events += [BlockStart(index, ToolCall("call_0", "f", "{}")), BlockEnd(index)]
    events += [Stop("tool_use"), MessageEnd()]

    starts = [
        frame["content_block"]["id"]
        for name, frame in frames_of(rendered(DIALECT, events))
        if "start" in name and "content_block" in frame
    ]
    whole = [block["id"] for block in DIALECT.fold(gather(events), ASKED)["content"]]

    assert starts == whole == ["call_0", "call_0_2", "call_0_3"]

"""What stands beside the known members of a delta, and what a block of another dialect holds besides."""

import pytest

from dialects.laws import (
    ASKED,
    assert_answer_identity,
    assert_stream_identity,
    events_of,
    frames_of,
    rendered,
)
from pointsman.canon.blocks import Native, ToolCall
from pointsman.canon.events import BlockEnd, BlockStart, MessageEnd, MessageStart, NativeDelta, Stop
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT as CHAT
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

TOOL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}, "caller": {"type": "direct"}}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
TEXT = {"type": "text", "text": ""}
CITED = {"type": "page_location", "cited_text": "x", "document_index": 0}
USAGE = {"input_tokens": 1, "output_tokens": 1}
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": USAGE}
BESIDE = {"weight": 0.5}
DELTAS = [
    pytest.param(TEXT, {"type": "text_delta", "text": "Hi"}, id="text"),
    pytest.param(THINKING, {"type": "thinking_delta", "thinking": "Hm"}, id="thinking"),
    pytest.param(THINKING, {"type": "signature_delta", "signature": "c2ln"}, id="signature"),
    pytest.param(TOOL, {"type": "input_json_delta", "partial_json": "{}"}, id="arguments"),
    pytest.param(TEXT, {"type": "citations_delta", "citation": CITED}, id="citation"),
]


def stream(block, *deltas):
    reason = {"stop_reason": "end_turn", "stop_sequence": None}
    events = [
        {"type": "message_start", "message": {**HEAD, "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": reason, "usage": USAGE},
        {"type": "message_stop"},
    ]
    return b"".join(frame(encode(event), event["type"]) for event in events)


@pytest.mark.parametrize(("block", "delta"), DELTAS)
def test_unknown_members_of_a_delta_reach_clients_of_the_dialect(block, delta):
    assert_stream_identity(DIALECT, stream(block, {**delta, **BESIDE}))


@pytest.mark.parametrize(("block", "delta"), DELTAS)
def test_unknown_members_of_a_delta_are_a_loss_for_others(block, delta):
    events = events_of(DIALECT, stream(block, {**delta, **BESIDE}))

    assert "weight" in [loss.what for event in events for loss in CHAT.answer_losses(event)]
    assert b"weight" not in rendered(CHAT, events)


def test_state_that_comes_behind_the_start_of_a_call_is_a_loss():
    native = Native("elsewhere", "them", {"signature": "c2ln"})
    events = [
        MessageStart(),
        BlockStart(0, ToolCall("a", "look")),
        NativeDelta(0, native, "call"),
        BlockEnd(0),
        Stop("tool_use"),
        MessageEnd(),
    ]

    assert [loss.what for event in events for loss in DIALECT.answer_losses(event)] == ["tool_call.native"]
    assert b"c2ln" not in rendered(DIALECT, events)


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '"x"'])
def test_arguments_that_are_no_object_are_named_where_a_whole_answer_needs_one(arguments):
    events = [
        MessageStart(),
        BlockStart(0, ToolCall("a", "look", arguments)),
        BlockEnd(0),
        Stop("tool_use"),
        MessageEnd(),
    ]

    (loss,) = DIALECT.fold_losses(gather(events), ASKED)
    assert (loss.kind, loss.what) == ("approximated", "tool_call.arguments")


@pytest.mark.parametrize("given", ["text", [1, {"a": None}], 5])
def test_an_input_that_is_no_object_stays_what_it_was_in_its_own_dialect(given):
    body = {**HEAD, "content": [{**TOOL, "input": given}], "stop_reason": "tool_use", "stop_sequence": None}

    assert_answer_identity(DIALECT, body)
    assert DIALECT.fold_losses(gather(DIALECT.whole(body, Origin())), ASKED) == ()


@pytest.mark.parametrize("number", range(7))
def test_unknown_members_of_an_event_reach_clients_of_the_dialect_and_are_a_loss_for_others(number):
    said = [event for _, event in frames_of(stream(TEXT, {"type": "text_delta", "text": "Hi"}))]
    said.insert(2, {"type": "ping"})
    said[number] = {**said[number], "weight": 0.5, "nothing": None}
    sent = b"".join(frame(encode(event), event["type"]) for event in said)

    losses = [loss.what for event in events_of(DIALECT, sent) for loss in CHAT.answer_losses(event)]
    assert_stream_identity(DIALECT, sent)
    assert losses == ["weight"]

"""Answers of Converse, read: padding, blocks without a start, names restored, odd and broken streams."""

import json

import pytest

from dialects.bedrock_converse.strategies import wire
from dialects.laws import ASKED, events_of, frames_of, rendered
from pointsman.canon.blocks import (
    FileSource,
    Image,
    Native,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from pointsman.canon.errors import GarbledError, RefusedError, TruncatedError
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    MessageEnd,
    MessageStart,
    NativeDelta,
    Stop,
    TextDelta,
    UnknownEvent,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.bedrock_converse import DIALECT
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.gather import gather

START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})
USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
END = ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})


def delta(index, **kind):
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": kind}


def start(index, **kind):
    return "contentBlockStart", {"contentBlockIndex": index, "start": kind}


def stop(index):
    return "contentBlockStop", {"contentBlockIndex": index}


def spelled(events):
    """Events in ASCII, which can spell half a surrogate pair."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (each[0].encode(), ascii_of(each[1])) for each in events)


def ascii_of(data):
    return json.dumps(data).encode()


def blocks(*events, origin=None):
    answer = gather(events_of(DIALECT, spelled([START, *events, STOP, END]), origin=origin))
    return answer.choices[0].blocks if answer.choices else ()


def test_padding_says_nothing_and_is_not_said_again():
    padded = [
        (name, {**data, "p": "abcdef"}) for name, data in (START, delta(0, text="a"), stop(0), STOP, END)
    ]

    events = events_of(DIALECT, wire(padded))

    assert not any(isinstance(event, UnknownEvent) for event in events)
    assert b"abcdef" not in rendered(DIALECT, events)


def test_members_that_are_not_known_are_said_again_where_they_stood():
    odd = [START, delta(0, text="a"), ("contentBlockStop", {"contentBlockIndex": 0, "x": 1}), STOP, END]

    events = events_of(DIALECT, wire(odd))

    assert frames_of(rendered(DIALECT, events)) == frames_of(wire(odd))


def test_an_event_of_another_name_is_kept_for_its_own_dialect():
    odd = [START, delta(0, text="a"), stop(0), STOP, ("tomorrow", {"x": 1}), END]

    events = events_of(DIALECT, wire(odd))

    assert UnknownEvent(DIALECT.name, "tomorrow", {"x": 1}) in events
    assert frames_of(rendered(DIALECT, events)) == frames_of(wire(odd))


def test_a_block_in_which_nothing_is_said_is_an_empty_text():
    assert blocks(stop(0)) == (Text(""),)
    assert blocks(start(0), delta(0, text="a"), stop(0)) == (Text("a"),)


def test_a_surrogate_pair_that_was_cut_is_joined_and_a_half_is_replaced():
    assert blocks(delta(0, text="\ud83d"), delta(0, text="\ude82!"), stop(0)) == (Text("🚂!"),)
    assert blocks(delta(0, text="a\ud83d"), stop(0)) == (Text("a\ufffd"),)
    (thought,) = blocks(delta(0, reasoningContent={"text": "b\ud83d"}), stop(0))
    assert thought.text == "b\ufffd"


def test_redacted_thinking_and_a_signature_are_opaque_state():
    found = blocks(
        delta(0, reasoningContent={"redactedContent": "cg=="}),
        stop(0),
        delta(1, reasoningContent={"text": "a"}),
        delta(1, reasoningContent={"signature": "s"}),
        stop(1),
        origin=Origin("maker"),
    )

    assert found == (
        Thinking("", Native(DIALECT.name, "maker", {"redactedContent": "cg=="}), redacted=True),
        Thinking("a", Native(DIALECT.name, "maker", {"signature": "s"})),
    )


def test_names_that_were_changed_are_restored_and_free_text_is_unwrapped():
    names = {"look__free_text": "look", "short": "a.long.name"}
    found = blocks(
        start(0, toolUse={"toolUseId": "a", "name": "look__free_text"}),
        delta(0, toolUse={"input": '{"input":'}),
        delta(0, toolUse={"input": '"free"}'}),
        stop(0),
        start(1, toolUse={"toolUseId": "b", "name": "short"}),
        delta(1, toolUse={"input": '{"a":1}'}),
        stop(1),
        start(2, toolUse={"toolUseId": "c", "name": "look__free_text"}),
        delta(2, toolUse={"input": "no JSON"}),
        stop(2),
        origin=Origin(names=names),
    )

    assert found == (
        ToolCall("a", "look", "free", "custom"),
        ToolCall("b", "a.long.name", '{"a":1}'),
        ToolCall("c", "look", "no JSON", "custom"),
    )


def test_a_call_whose_arguments_end_in_half_a_character_is_whole():
    (call,) = blocks(
        start(0, toolUse={"toolUseId": "a", "name": "f"}), delta(0, toolUse={"input": '"\ud83d'}), stop(0)
    )

    assert call.arguments == '"\ufffd'


def test_a_tool_that_aws_runs_is_whole_once_its_pieces_are_there():
    call = {"toolUseId": "a", "name": "nova_grounding", "type": "server_tool_use"}
    result = {"toolUseId": "a", "type": "nova_grounding_result", "status": "success"}
    found = blocks(
        start(0, toolUse=call),
        delta(0, toolUse={"input": '{"q":'}),
        delta(0, toolUse={"input": "1}"}),
        stop(0),
        start(1, toolResult=result),
        delta(1, toolResult=[{"text": "Bern"}]),
        delta(1, toolResult=[{"json": {"a": 1}}]),
        stop(1),
    )

    assert [block.part for block in found] == ["call", "result"]
    assert found[0].native.data == {"toolUse": {**call, "input": {"q": 1}}}
    assert found[1].native.data == {
        "toolResult": {**result, "content": [{"text": "Bern"}, {"json": {"a": 1}}]}
    }


def test_a_block_of_another_kind_is_unknown_and_said_again():
    events = [
        START,
        start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "aGk="}}),
        stop(0),
    ]
    stream = wire([*events, delta(1, tomorrow={"x": 1}), stop(1), STOP, END])

    found = events_of(DIALECT, stream)

    assert [type(event.block) for event in found if isinstance(event, BlockStart)] == [Unknown, Unknown]
    said = frames_of(rendered(DIALECT, found))
    assert said[:3] == frames_of(wire(events))[:3]


def test_thinking_of_another_kind_is_passed_on():
    events = [START, delta(0, reasoningContent={"text": "a"}), delta(0, reasoningContent={"x": 1}), stop(0)]
    stream = wire([*events, STOP, END])

    assert frames_of(rendered(DIALECT, events_of(DIALECT, stream))) == frames_of(stream)


@pytest.mark.parametrize(
    "events",
    [
        [START, delta(0, toolUse={"input": "{"})],
        [START, ("contentBlockDelta", {"delta": {"text": "a"}})],
        [START, delta("one", text="a")],
        [START, delta(0, text=1)],
        [START, delta(0, citation="x")],
        [START, ("contentBlockDelta", {"contentBlockIndex": 0, "delta": []})],
        [START, END],
    ],
)
def test_a_stream_that_is_not_in_the_dialect_is_refused_and_passed_over_by_a_tap(events):
    with pytest.raises(GarbledError, match="not in its dialect"):
        events_of(DIALECT, wire(events))

    lenient = events_of(DIALECT, wire([*events, STOP, END]), origin=Origin(lenient=True))
    assert any(isinstance(event, UnknownEvent) and event.name == UNREADABLE for event in lenient)
    assert isinstance(lenient[-1], MessageEnd)


def test_what_comes_behind_the_end_is_passed_over():
    whole = wire([START, STOP, END])

    assert events_of(DIALECT, whole + wire([delta(0, text="a")])) == events_of(DIALECT, whole)


def test_a_last_frame_without_its_end_counts_and_half_of_one_does_not():
    stream = wire([START, STOP, END])

    assert isinstance(events_of(DIALECT, stream.rstrip())[-1], MessageEnd)
    with pytest.raises(TruncatedError):
        events_of(DIALECT, stream[:-10])


def test_a_whole_answer_that_is_not_in_the_dialect_is_refused():
    for body in ({}, {"output": {}}, {"output": {"message": {"content": 1}}}, {"message": "Not found"}):
        with pytest.raises(GarbledError):
            DIALECT.whole(body, Origin())


def test_the_counts_of_a_relayed_answer_are_read_without_the_rest():
    seen, _ = DIALECT.summary({"usage": USAGE, "serviceTier": {"type": "flex"}})
    nothing, _ = DIALECT.summary({})

    assert (seen.usage.input, seen.usage.output, seen.usage.service_tier) == (1, 2, "flex")
    assert nothing.usage is None


def test_writes_to_the_cache_are_divided_by_lifetime():
    details = [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 2}, "odd"]
    usage = {**USAGE, "cacheWriteInputTokens": 5, "cacheReadInputTokens": 7, "cacheDetails": details}

    seen, _ = DIALECT.summary({"usage": usage})

    counted = seen.usage
    assert (counted.cache_read, counted.cache_write_5m, counted.cache_write_1h) == (7, 2, 3)


def test_a_failure_in_a_stream_is_told_as_one():
    failed = wire(
        [START, ("error", {"type": "error", "error": {"type": "throttlingException", "message": "Slow."}})]
    )

    with pytest.raises(RefusedError, match=r"Slow\.") as caught:
        gather(events_of(DIALECT, failed))

    assert (caught.value.status, caught.value.kind, caught.value.code) == (
        429,
        "rate_limit",
        "throttlingException",
    )


def test_opaque_state_of_another_dialect_is_sealed_on_its_way_out_and_opened_on_its_way_back():
    native = Native("elsewhere", "other", {"x": 1})
    events = [BlockStart(0, Thinking("", redacted=True)), NativeDelta(0, native), *gone(0)]
    stream = rendered(
        DIALECT, [*events, BlockStart(1, Thinking("a")), NativeDelta(1, native), *gone(1), *ended()]
    )

    assert [block.native for block in gather(events_of(DIALECT, stream)).choices[0].blocks] == [
        native,
        native,
    ]


def gone(index):
    return [type_of("BlockEnd")(index)]


def ended():
    return [MessageEnd()]


def type_of(name):
    from pointsman.canon import events

    return getattr(events, name)


def test_interleaved_blocks_are_put_in_order():
    events = [
        MessageStart(),
        BlockStart(0, ToolCall("a", "f")),
        BlockStart(1, ToolCall("b", "g")),
        ArgumentsDelta(1, '{"b":'),
        ArgumentsDelta(0, "{}"),
        ArgumentsDelta(1, "1}"),
        BlockEnd(1),
        BlockEnd(0),
        BlockStart(2, ServerTool("call", "s", "x", Native("elsewhere", "", {}))),
        BlockEnd(2),
        BlockStart(3, ToolCall("", "h")),
        MessageEnd(),
    ]

    said = frames_of(rendered(DIALECT, events))

    assert [data["contentBlockIndex"] for name, data in said if name == "contentBlockStart"] == [0, 1, 2]
    read = gather(events_of(DIALECT, rendered(DIALECT, events)))
    assert [(call.id, call.arguments) for call in read.choices[0].blocks] == [
        ("a", "{}"),
        ("b", '{"b":1}'),
        ("tooluse_0a_2", "{}"),
    ]
    assert json.dumps(DIALECT.fold(gather(events), ASKED))


def test_what_another_dialect_says_of_an_answer_is_told_or_named():
    answer = [
        MessageStart(extra={"x": 1}, usage=Usage(reasoning=3), dialect="elsewhere"),
        BlockStart(0, Refusal("No")),
        TextDelta(0, "."),
        BlockEnd(0),
        BlockStart(1, Image(FileSource("f"))),
        BlockEnd(1),
        BlockStart(2, Thinking("", redacted=True)),
        BlockEnd(2),
        BlockStart(3, ToolCall("c", "f", '{"a":1}', "custom")),
        BlockEnd(3),
        BlockStart(4, Text("other"), choice=1),
        BlockEnd(4),
        Stop("pause", sequence="END", details={"x": 1}),
        Stop("end", choice=1),
        MessageEnd({"y": 2}),
    ]

    told = [f"{loss.kind} {loss.what}" for event in answer for loss in DIALECT.answer_losses(event)]
    (read,) = gather(events_of(DIALECT, rendered(DIALECT, answer))).choices

    assert told == [
        "dropped x",
        "approximated usage",
        "approximated refusal",
        "dropped image",
        "approximated tool_call",
        "dropped choices",
        "approximated stop_reason",
        "dropped stop_details",
        "dropped stop_sequence",
        "dropped choices",
        "dropped y",
    ]
    assert read.blocks[0] == Text("No.")
    assert DIALECT.fold(gather(answer), ASKED)["stopReason"] == "end_turn"


def test_a_whole_answer_names_arguments_that_are_no_object():
    odd = gather([MessageStart(), BlockStart(0, ToolCall("c", "f", "[1]")), BlockEnd(0), MessageEnd()])

    (loss,) = DIALECT.fold_losses(odd, ASKED)

    assert (loss.kind, loss.what) == ("approximated", "tool_call.arguments")
    (block,) = DIALECT.fold(odd, ASKED)["output"]["message"]["content"]
    assert block["toolUse"]["input"] == {"malformed_arguments": "[1]"}


def test_a_guarded_picture_and_other_odd_blocks_of_a_whole_answer_are_said_again():
    picture = {"format": "png", "source": {"bytes": "aGk="}}
    content = [
        {"guardContent": {"image": picture}},
        {"image": {**picture, "error": {"message": "x"}}},
        {"guardContent": {"tomorrow": 1}},
        {"reasoningContent": {"tomorrow": 1}},
        {"toolUse": {"toolUseId": "a", "name": "f"}},
        {"toolUse": {"toolUseId": "a", "name": "f", "input": {}, "type": "server_tool_use"}, "x": 1},
        {"citationsContent": {"content": [{"odd": 1}]}},
        {"text": "a", "x": 1},
        {"text": 1},
    ]
    body = {"output": {"message": {"role": "user", "content": content}}, "stopReason": "end_turn"}

    events = list(DIALECT.whole(body, Origin()))

    assert DIALECT.fold(gather(events), ASKED) == body

"""Answers of other dialects, as Anthropic's clients get them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.laws import frames_of, rendered
from pointsman.canon.blocks import (
    Audio,
    Citation,
    Native,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from pointsman.canon.errors import Fault
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    CitationDelta,
    Failure,
    MessageEnd,
    MessageStart,
    NativeDelta,
    Ping,
    Stop,
    TextDelta,
    ThinkingDelta,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import gather
from pointsman.wire.envelope import unseal
from schemas import validate_anthropic_event, validate_anthropic_message

ASKED = Asked(model="claude-alias", message_id="0a", created=1, input_estimate=321)
SEALED = Native("other", "someone", {"encrypted": "x"})


def whole(events):
    return DIALECT.fold(gather(events), ASKED)


def frames(events):
    return [data for _, data in frames_of(rendered(DIALECT, events, ASKED))]


def answer(*middle, reason="end", usage=None):
    end = [UsageReport(usage)] if usage else []
    return [MessageStart(id="chatcmpl-1", model="gpt"), *middle, Stop(reason), *end, MessageEnd()]


def block(index, start, *deltas):
    return [BlockStart(index, start), *deltas, BlockEnd(index)]


def starts(events):
    return [event["content_block"] for event in frames(events) if event["type"] == "content_block_start"]


def test_every_frame_names_its_event():
    named = frames_of(rendered(DIALECT, answer(*block(0, Text("hi"))), ASKED))

    assert all(name == data["type"] for name, data in named)
    assert [name for name, _ in named] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_the_start_tells_an_estimate_and_the_end_the_true_counts():
    usage = Usage(input=10, cache_read=5, cache_write_5m=1, cache_write_1h=2, output=7, reasoning=3)
    told = frames(answer(usage=usage))

    assert told[0]["message"]["usage"]["input_tokens"] == 321
    assert told[0]["message"]["model"] == "claude-alias"
    assert told[-2]["usage"]["input_tokens"] == 10
    assert told[-2]["usage"]["cache_read_input_tokens"] == 5
    assert told[-2]["usage"]["cache_creation_input_tokens"] == 3
    assert told[-2]["usage"]["output_tokens"] == 10
    assert told[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 3}


def test_interleaved_calls_come_one_after_another():
    events = answer(
        BlockStart(0, ToolCall("a", "f")),
        ArgumentsDelta(0, '{"x"'),
        BlockStart(1, ToolCall("b", "g")),
        ArgumentsDelta(1, '{"y":2}'),
        ArgumentsDelta(0, ":1}"),
        BlockEnd(1),
        BlockEnd(0),
    )
    told = frames(events)

    assert [(event["type"], event.get("index")) for event in told[1:-2]] == [
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
    ]
    assert told[-2]["delta"]["stop_reason"] == "tool_use"


def test_blocks_left_open_end_before_the_message():
    told = frames(answer(BlockStart(0, Text("")), TextDelta(0, "a"), BlockStart(1, ToolCall("b", "g"))))

    assert [event["type"] for event in told].count("content_block_stop") == 2


def test_a_call_without_arguments_says_an_empty_object():
    events = answer(*block(0, ToolCall("a", "f")))

    assert frames(events)[2]["delta"] == {"type": "input_json_delta", "partial_json": "{}"}
    assert whole(events)["content"][0]["input"] == {}


def test_a_call_without_an_id_gets_one_and_an_odd_one_is_made_fit():
    events = answer(*block(0, ToolCall("", "f")), *block(1, ToolCall("functions.f:0", "f")))
    ids = [start["id"] for start in starts(events)]

    assert ids[0] == "toolu_0a_0"
    assert ids[1].startswith("functions_f_0_")
    assert [wire["id"] for wire in whole(events)["content"]] == ids


def test_malformed_arguments_are_kept_as_text():
    events = answer(*block(0, ToolCall("a", "f"), ArgumentsDelta(0, '{"half')))

    assert whole(events)["content"][0]["input"] == {"malformed_arguments": '{"half'}


@pytest.mark.parametrize(
    ("reason", "blocks", "expected"),
    [
        ("end", [], "end_turn"),
        ("other", [], "end_turn"),
        ("end", [ToolCall("a", "f")], "tool_use"),
        ("tool_use", [], "end_turn"),
        ("end", [Refusal("no")], "refusal"),
        ("refusal", [], "refusal"),
        ("max_tokens", [ToolCall("a", "f")], "max_tokens"),
        ("context_window", [], "model_context_window_exceeded"),
        ("pause", [], "pause_turn"),
        ("stop_sequence", [], "stop_sequence"),
    ],
)
def test_the_stop_reason_fits_what_was_said(reason, blocks, expected):
    said = [event for number, start in enumerate(blocks) for event in block(number, start)]
    events = answer(*said, reason=reason)

    assert whole(events)["stop_reason"] == expected
    assert frames(events)[-2]["delta"]["stop_reason"] == expected


def test_opaque_state_of_another_dialect_travels_in_the_signature():
    events = answer(
        *block(0, Thinking(""), ThinkingDelta(0, "hm"), NativeDelta(0, SEALED)), *block(1, Text("ok"))
    )
    told = frames(events)

    assert told[2]["delta"] == {"type": "thinking_delta", "thinking": "hm"}
    assert unseal(told[3]["delta"]["signature"]) == SEALED
    assert told[4]["type"] == "content_block_stop"
    assert unseal(whole(events)["content"][0]["signature"]) == SEALED


def test_redacted_thinking_of_another_dialect_waits_for_its_state():
    events = answer(*block(0, Thinking("", redacted=True), NativeDelta(0, SEALED)), *block(1, Text("ok")))

    assert unseal(starts(events)[0]["data"]) == SEALED
    assert unseal(whole(events)["content"][0]["data"]) == SEALED


def test_thinking_that_nobody_signed_comes_back_as_nobodys():
    events = answer(*block(0, Thinking("", extra={"x": 1}), ThinkingDelta(0, "hm")))
    said = whole(events)["content"][0]
    request = {"model": "m", "messages": [{"role": "assistant", "content": [said]}]}

    assert DIALECT.decode_request(request).messages[0].content == (Thinking("hm"),)
    assert frames(events)[3]["delta"]["signature"] == said["signature"]


def test_what_cannot_be_said_is_left_out_and_named():
    unsayable = [
        BlockStart(0, Audio("aGk=", "wav")),
        BlockStart(1, ServerTool("call", "s", "web_search", SEALED)),
        BlockStart(2, Unknown("other", {"type": "x"})),
        BlockStart(3, Text("second"), choice=1),
        CitationDelta(4, Citation(url="https://example.com")),
        UnknownEvent("other", "x", {}),
    ]

    assert all(DIALECT.answer_losses(event) for event in unsayable)
    assert (
        starts(answer(*(event for event in unsayable[:3]), *(BlockEnd(number) for number in range(3)))) == []
    )


def test_pings_and_failures_are_told():
    fault = Fault("overloaded", "try later", 529)
    told = frames([MessageStart(), Ping(), Failure(fault), TextDelta(0, "late"), MessageEnd()])

    assert told[1] == {"type": "ping"}
    assert told[2]["error"] == {"type": "overloaded_error", "message": "try later"}
    assert len(told) == 3


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
blocks = st.one_of(
    st.builds(Text, texts),
    st.builds(Refusal, texts),
    st.builds(Thinking, texts, st.none() | st.just(SEALED)),
    st.builds(
        ToolCall, st.sampled_from(["", "a.b", "call_1"]), st.just("f"), st.sampled_from(["", "{}", '{"a":1}'])
    ),
    st.just(Thinking("", SEALED, redacted=True)),
)
counts = st.none() | st.integers(0, 99)
usages = st.none() | st.builds(Usage, counts, counts, counts, counts, counts, counts)
reasons = st.sampled_from(["end", "max_tokens", "stop_sequence", "tool_use", "pause", "refusal", "other"])


@settings(max_examples=40, deadline=None)
@given(st.lists(blocks, max_size=4), usages, reasons)
def test_whatever_is_rendered_is_valid(said, usage, reason):
    middle = [event for number, start in enumerate(said) for event in block(number, start)]
    events = answer(*middle, reason=reason, usage=usage)

    validate_anthropic_message(json.loads(json.dumps(whole(events))))
    for frame in frames(events):
        validate_anthropic_event(frame)


STATE = Thinking("", SEALED)


@pytest.mark.parametrize("state", [STATE, Thinking("")], ids=["signed", "unsigned"])
def test_no_answer_ends_with_thinking_that_says_nothing(state):
    events = answer(
        *block(0, Thinking("hm", SEALED)), *block(1, Text("ok")), *block(2, state), *block(3, state)
    )

    assert [each["type"] for each in starts(events)] == ["thinking", "text"]
    assert [each["type"] for each in whole(events)["content"]] == ["thinking", "text"]


def test_state_without_text_stays_in_its_place_before_what_follows():
    late = [BlockStart(1, Thinking("")), NativeDelta(1, SEALED), BlockEnd(1)]
    events = answer(*block(0, Text("ok")), *late, *block(2, ToolCall("c", "f", "{}")))

    assert [each["type"] for each in starts(events)] == ["text", "thinking", "tool_use"]
    assert [each["index"] for each in frames(events) if "index" in each] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    signed = [each["delta"]["signature"] for each in frames(events) if "signature" in each.get("delta", {})]
    assert [unseal(signature) for signature in signed] == [SEALED]
    assert [each["type"] for each in whole(events)["content"]] == ["text", "thinking", "tool_use"]


def test_an_image_behind_state_lets_the_answer_end_with_its_text():
    events = answer(*block(0, Text("ok")), *block(1, STATE), *block(2, Audio("x", "wav")))

    assert [each["type"] for each in starts(events)] == ["text"]
    assert [each["type"] for each in whole(events)["content"]] == ["text"]


def test_thinking_that_comes_to_speak_behind_a_text_is_told_at_once():
    events = answer(*block(0, Text("ok")), BlockStart(1, Thinking("")), ThinkingDelta(1, "hm"))[:-2]

    assert frames(events)[-1]["delta"] == {"type": "thinking_delta", "thinking": "hm"}


def test_an_answer_of_state_alone_keeps_it():
    assert [each["type"] for each in starts(answer(*block(0, STATE)))] == ["thinking"]
    assert [each["type"] for each in whole(answer(*block(0, STATE)))["content"]] == ["thinking"]


def test_state_that_is_left_out_of_an_answers_end_is_named():
    ends = answer(*block(0, Text("ok")), *block(1, STATE))
    goes_on = answer(*block(0, Text("ok")), *block(1, STATE), *block(2, Text("more")))

    assert [loss_names(events) for events in (ends, goes_on)] == [[["thinking"]] * 2, [[], []]]


def loss_names(events):
    """Of the stream, and of the whole answer."""
    encoder = DIALECT.encoder(ASKED)
    for event in events:
        encoder.encode(event)
    return [
        [loss.what for loss in losses]
        for losses in (encoder.losses(), DIALECT.fold_losses(gather(events), ASKED))
    ]

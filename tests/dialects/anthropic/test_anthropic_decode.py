"""Answers of Anthropic upstreams, read."""

import json

import pytest

from dialects.anthropic.strategies import CORPUS, wire
from dialects.laws import events_of
from pointsman.canon.blocks import Native, Text, ToolCall
from pointsman.canon.errors import GarbledError, RefusedError, TruncatedError
from pointsman.canon.events import Failure, MessageStart, Ping, Stop, TextDelta, UsageReport
from pointsman.canon.usage import Usage
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather

START = {"type": "message_start", "message": {"id": "m", "model": "x", "content": []}}
DONE = {"type": "message_stop"}


def read(*events, origin=None):
    return events_of(DIALECT, wire(events), origin=origin)


def blocks(*events, origin=None):
    return gather(read(START, *events, DONE, origin=origin)).choices[0].blocks


def opened(block, *deltas):
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}


def tool(name="f", **members):
    return {"type": "tool_use", "id": "t", "name": name, "input": {}, **members}


def partial(text):
    return {"type": "input_json_delta", "partial_json": text}


def test_the_buckets_do_not_overlap_though_the_last_report_divides_less():
    stream = (CORPUS / "streams" / "cache_usage.sse").read_bytes()
    usage = gather(events_of(DIALECT, stream)).usage

    assert (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) == (4, 2000, 100, 200)
    assert (usage.output, usage.reasoning, usage.service_tier) == (15, None, "priority")


def test_thinking_is_counted_beside_the_output():
    stream = (CORPUS / "streams" / "thinking.sse").read_bytes()
    reports = [event.usage for event in events_of(DIALECT, stream) if isinstance(event, UsageReport)]

    assert (reports[0].output, reports[0].reasoning) == (6, 9)


def test_a_signature_names_its_issuer():
    stream = (CORPUS / "streams" / "thinking.sse").read_bytes()
    thinking = gather(events_of(DIALECT, stream, origin=Origin(issuer="them"))).choices[0].blocks[0]

    assert thinking.native == Native("anthropic", "them", {"signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"})


def test_a_failure_in_the_first_frame_is_no_truncation():
    events = events_of(DIALECT, (CORPUS / "errors" / "overloaded_first.sse").read_bytes())

    assert [(event.fault.kind, event.fault.status) for event in events] == [("overloaded", 529)]


def test_a_failure_in_the_middle_ends_the_stream():
    events = events_of(DIALECT, (CORPUS / "errors" / "error_mid_stream.sse").read_bytes())

    assert isinstance(events[-1], Failure)
    with pytest.raises(RefusedError, match="Internal server error"):
        gather(events)


def test_an_error_of_another_shape_is_a_failure_too():
    events = events_of(DIALECT, b'data: {"error":{"message":"no","type":"rate_limit_error"}}\n\n')

    assert events[0].fault.message == "no"
    assert events[0].fault.kind == "rate_limit"


def test_a_whole_body_that_is_an_error_is_a_failure():
    body = json.loads((CORPUS / "errors" / "rate_limit.json").read_text())

    assert next(iter(DIALECT.whole(body, Origin()))).fault.kind == "rate_limit"


def test_names_that_had_to_change_are_restored():
    origin = Origin(names={"f_1a2b": "f.original"})

    assert blocks(*opened(tool("f_1a2b")), origin=origin)[0].name == "f.original"


def test_free_text_is_unwrapped_streamed_and_whole():
    origin = Origin(names={"patch__free_text": "patch"})
    expected = (ToolCall("t", "patch", "*** a\n", kind="custom"),)
    streamed = opened(tool("patch__free_text"), partial('{"input": "*** a'), partial('\\n"}'))
    whole = {**START["message"], "content": [tool("patch__free_text", input={"input": "*** a\n"})]}

    assert blocks(*streamed, origin=origin) == expected
    assert gather(DIALECT.whole(whole, origin)).choices[0].blocks == expected


def test_arguments_that_stand_in_the_start_alone_are_told():
    assert blocks(*opened(tool(input={"a": 1})))[0].arguments == '{"a":1}'
    assert blocks(*opened(tool(input={"a": 1}), partial('{"b":2}')))[0].arguments == '{"b":2}'


def test_halves_of_a_character_in_two_deltas_are_joined():
    halves = [{"type": "text_delta", "text": "\ud83d"}, {"type": "text_delta", "text": "\ude02!"}]
    stream = b"".join(
        f"data: {json.dumps(event)}\n\n".encode()
        for event in [START, *opened({"type": "text", "text": ""}, *halves), DONE]
    )

    assert gather(events_of(DIALECT, stream)).choices[0].blocks == (Text("😂!"),)


def test_a_half_that_never_gets_its_other_is_replaced():
    stream = wire([START]) + b"".join(
        f"data: {json.dumps(event)}\n\n".encode()
        for event in [*opened({"type": "text", "text": ""}, {"type": "text_delta", "text": "\ud83d"}), DONE]
    )

    assert gather(events_of(DIALECT, stream)).choices[0].blocks == (Text("\ufffd"),)


def test_a_done_marker_ends_nothing():
    with pytest.raises(TruncatedError):
        events_of(DIALECT, wire([START]) + b"data: [DONE]\n\n")


@pytest.mark.parametrize("origin", [Origin(), Origin(lenient=True)])
@pytest.mark.parametrize(
    "pending", [b'event: message_stop\ndata: {"type":"message_st', b"event: mess", b"da"]
)
def test_half_a_frame_before_the_stop_proves_a_cut(pending, origin):
    with pytest.raises(TruncatedError):
        events_of(DIALECT, wire([START]) + pending, origin=origin)


def test_what_comes_after_the_end_is_passed_over():
    events = events_of(DIALECT, wire([START, DONE]) + b"data: [DONE]\n\n" + wire([{"type": "ping"}]))

    assert [type(event) for event in events] == [MessageStart, type(events[-1])]


def test_pings_and_stop_reasons_of_tomorrow_are_read():
    delta = {"type": "message_delta", "delta": {"stop_reason": "tomorrow"}, "usage": {"output_tokens": 1}}
    events = read(START, {"type": "ping"}, delta, DONE)

    assert isinstance(events[1], Ping)
    assert (events[2].reason, events[2].raw) == ("other", "tomorrow")
    assert isinstance(events[2], Stop)


@pytest.mark.parametrize(
    "stream",
    [
        b"data: <html>\n\n",
        b"data: [1]\n\n",
        b'data: {"type":"message_start"}\n\n',
        b'data: {"type":"content_block_start","index":0,"content_block":{}}\n\n',
        b'data: {"type":"content_block_delta","index":"a","delta":{"type":"text_delta","text":""}}\n\n',
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}\n\n',
    ],
)
def test_what_is_not_the_dialect_is_named_as_the_upstreams_mistake(stream):
    with pytest.raises(GarbledError, match="upstream"):
        DIALECT.decoder(Origin()).feed(stream)


@pytest.mark.parametrize("body", [{}, {"content": "hi"}, {"content": [1]}])
def test_a_whole_answer_that_is_not_the_dialect_is_named_too(body):
    with pytest.raises(GarbledError, match="upstream"):
        DIALECT.whole(body, Origin())


def test_text_is_told_as_it_comes():
    decoder = DIALECT.decoder(Origin())
    decoder.feed(wire([START]))

    assert decoder.feed(
        wire(list(opened({"type": "text", "text": ""}, {"type": "text_delta", "text": "a"}))[:2])
    )[1] == TextDelta(0, "a")


def test_a_report_without_a_division_counts_for_five_minutes():
    delta = {"type": "message_delta", "usage": {"output_tokens": 1, "cache_creation_input_tokens": 7}}

    assert gather(read(START, delta, DONE)).usage.cache_write_5m == 7
    assert gather(read(START, DONE)).usage is None
    assert Usage().output is None

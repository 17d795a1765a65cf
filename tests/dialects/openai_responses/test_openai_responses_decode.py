"""Streams as servers send them, not only as OpenAI does."""

import json

import pytest

from dialects.laws import ASKED, events_of, frames_of, rendered
from pointsman.canon.blocks import Refusal, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.canon.errors import GarbledError, TruncatedError
from pointsman.canon.events import Failure, MessageEnd, MessageStart, Stop, UnknownEvent
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_responses import DIALECT
from pointsman.dialects.registry import DIALECTS

RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "now", "arguments": ""}


def stream(*events):
    """A stream of these events, without their numbers."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode()) for event in events
    )


def ended(*output, **more):
    return {"type": "response.completed", "response": {**RESPONSE, "output": list(output), **more}}


CREATED = {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}}


def blocks_of(*events):
    return gather(events_of(DIALECT, stream(*events))).choices[0].blocks


def delta(kind, text, **members):
    return {"type": f"response.{kind}.delta", "output_index": 0, "item_id": "i", "delta": text, **members}


def item(kind, value, at=0):
    return {"type": f"response.output_item.{kind}", "output_index": at, "item": value}


def test_text_without_its_item_or_part_is_text():
    assert blocks_of(CREATED, delta("output_text", "Hi"), delta("output_text", "!"), ended()) == (
        Text("Hi!"),
    )


def test_problem_1_arguments_that_come_at_the_end_alone_are_told():
    done = {
        "type": "response.function_call_arguments.done",
        "output_index": 0,
        "item_id": "fc_1",
        "arguments": '{"a":1}',
    }

    (by_done,) = blocks_of(CREATED, item("added", CALL), done, ended())
    (by_item,) = blocks_of(CREATED, item("done", {**CALL, "arguments": '{"a":1}'}), ended())
    (by_end,) = blocks_of(CREATED, item("added", CALL), ended({**CALL, "arguments": '{"a":1}'}))

    assert by_done == by_item == by_end == ToolCall("c1", "now", '{"a":1}')


def test_half_of_the_arguments_is_completed_by_the_item():
    pieces = delta("function_call_arguments", '{"a"')

    (call,) = blocks_of(
        CREATED, item("added", CALL), pieces, item("done", {**CALL, "arguments": '{"a":1}'}), ended()
    )

    assert call.arguments == '{"a":1}'


def test_problem_3_calls_that_are_interleaved_are_kept_apart():
    other = {**CALL, "id": "fc_2", "call_id": "c2", "name": "then"}
    pieces = [
        {"type": "response.function_call_arguments.delta", "output_index": at, "item_id": "x", "delta": text}
        for at, text in ((0, "{"), (1, "["), (0, "}"), (1, "]"))
    ]

    first, second = blocks_of(CREATED, item("added", CALL), item("added", other, 1), *pieces, ended())

    assert (first.arguments, second.arguments) == ("{}", "[]")


def test_the_parts_of_a_summary_stand_apart():
    part = {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 1}

    (thinking,) = blocks_of(
        CREATED,
        item("added", {"type": "reasoning", "id": "rs_1", "summary": []}),
        delta("reasoning_summary_text", "One", summary_index=0),
        part,
        delta("reasoning_summary_text", "Two", summary_index=1),
        ended(),
    )

    assert thinking == Thinking("One\n\nTwo")


def test_a_refusal_is_one():
    assert blocks_of(CREATED, delta("refusal", "No.", content_index=0), ended()) == (Refusal("No."),)


def test_half_a_surrogate_pair_waits_for_the_other():
    halves = [b"\\ud83d", b"\\ude82"]
    pieces = b"".join(
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"%b"}\n\n'
        % half
        for half in halves
    )

    assert gather(events_of(DIALECT, pieces + stream(ended()))).choices[0].blocks == (Text("🚂"),)


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("completed", None, "end"),
        ("incomplete", {"reason": "max_output_tokens"}, "max_tokens"),
        ("incomplete", {"reason": "content_filter"}, "refusal"),
        ("incomplete", {"reason": "tomorrow"}, "other"),
        ("incomplete", None, "other"),
        ("cancelled", None, "other"),
    ],
)
def test_the_state_of_a_response_is_its_reason(status, details, reason):
    body = {**RESPONSE, "status": status, "incomplete_details": details, "output": []}

    (stop,) = [event for event in DIALECT.whole(body, Origin()) if isinstance(event, Stop)]

    assert stop.reason == reason


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "Slow", "param": None},
            "rate_limit",
            None,
        ),
        ({"type": "error", "error": {"code": "server_error", "message": "Oops"}}, "api", None),
        ({"type": "error", "error": "Oops"}, "api", None),
        (
            {
                "type": "response.failed",
                "response": {**RESPONSE, "error": {"code": "context_length_exceeded", "message": "Long"}},
            },
            "invalid_request",
            "context_length_exceeded",
        ),
        ({"type": "response.failed"}, "api", None),
        ({"error": {"message": "Oops", "type": "server_error"}}, "api", None),
    ],
)
def test_every_form_of_a_failure_is_one(event, kind, code):
    frames = b"data: " + json.dumps(event).encode() + b"\n\n"

    (failure,) = [each for each in events_of(DIALECT, frames) if isinstance(each, Failure)]

    assert failure.fault.kind == kind
    assert failure.fault.message
    assert code is None or failure.fault.code == code


def test_what_comes_behind_the_end_is_passed_over():
    events = events_of(DIALECT, stream(CREATED, ended(), delta("output_text", "late")) + b"data: [DONE]\n\n")

    assert isinstance(events[-1], MessageEnd)


def test_events_that_nobody_knows_are_kept_and_told_of():
    odd = {"type": "response.shunting", "x": 1}
    progress = {"type": "response.web_search_call.searching", "output_index": 0}

    events = events_of(DIALECT, stream(CREATED, odd, progress, ended()))

    names = [event.name for event in events if isinstance(event, UnknownEvent)]
    assert [name for name in names if name] == ["response.shunting"]
    assert frames_of(rendered(DIALECT, events))[1:3] == [
        ("response.shunting", odd),
        ("response.web_search_call.searching", progress),
    ]


def test_what_a_provider_ran_is_its_own_block():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}

    tool, unknown = blocks_of(CREATED, item("done", search), item("done", {"type": "timetable"}, 1), ended())

    assert isinstance(tool, ServerTool)
    assert (tool.name, tool.native.data) == ("web_search", search)
    assert unknown == Unknown("openai_responses", {"type": "timetable"})


def test_a_relay_passes_over_what_it_cannot_read_and_goes_on():
    odd = b"data: {\n\n" + stream({"type": "response.output_text.delta", "output_index": "x", "delta": "y"})

    events = events_of(DIALECT, odd + stream(ended()), origin=Origin(lenient=True))

    assert [event.name for event in events if isinstance(event, UnknownEvent)][:2] == [UNREADABLE, UNREADABLE]
    assert isinstance(events[-1], MessageEnd)
    with pytest.raises(GarbledError):
        events_of(DIALECT, odd + stream(ended()))


@pytest.mark.parametrize("body", [{}, {"output": "x"}, {"choices": []}, {"object": "response"}])
def test_an_answer_that_is_no_response_is_garbled(body):
    with pytest.raises(GarbledError):
        DIALECT.whole(body, Origin())
    with pytest.raises(GarbledError):
        DIALECT.summary(body)


def test_a_summary_is_the_start_and_the_counts_or_the_failure():
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3}
    start, _ = DIALECT.summary({**RESPONSE, "output": [], "usage": usage, "service_tier": "flex"})
    (failure,) = DIALECT.summary({**RESPONSE, "status": "failed", "error": {"code": "x", "message": "Oops"}})

    assert isinstance(start, MessageStart)
    assert (start.usage.input, start.usage.cache_read, start.usage.output) == (5, 4, 3)
    assert failure.fault.message == "Oops"


def test_a_stream_that_only_began_is_cut():
    decoder = DIALECT.decoder(Origin())
    decoder.feed(stream(CREATED, delta("output_text", "Hi")))

    with pytest.raises(TruncatedError):
        decoder.close()


@pytest.mark.parametrize("to", DIALECTS)
def test_a_hundred_thousand_deltas_of_one_byte_are_one_call(to):
    piece = stream(delta("function_call_arguments", "x")) * 100
    decoder, encoder, written = DIALECT.decoder(Origin()), DIALECTS[to].encoder(ASKED), 0
    pieces = [stream(CREATED, item("added", CALL)), *[piece] * 1000, stream(ended())]
    events = []
    for data in pieces:
        for event in decoder.feed(data):
            written += len(encoder.encode(event))
            events.append(event)

    assert gather([*events, *decoder.close()]).choices[0].blocks[0].arguments == "x" * 100_000
    assert written > 100_000

"""Answers of real servers, each with its oddity."""

import json
from pathlib import Path

import pytest

from dialects.laws import events_of
from pointsman.canon.blocks import Native, Text, Thinking, ToolCall
from pointsman.canon.errors import GarbledError, TruncatedError
from pointsman.canon.events import ArgumentsDelta, Failure, MessageEnd, Stop, TextDelta, UsageReport
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT

CORPUS = Path(__file__).parents[2] / "corpus" / "openai_chat"


def answer(name, origin=None):
    return gather(events_of(DIALECT, (CORPUS / "streams" / f"{name}.sse").read_bytes(), origin=origin))


def calls(gathered):
    return [
        (block.id, block.name, block.arguments)
        for block in gathered.choices[0].blocks
        if isinstance(block, ToolCall)
    ]


def text(gathered):
    return "".join(block.text for block in gathered.choices[0].blocks if isinstance(block, Text))


def stream(*chunks):
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def chunk(delta, finish=None, **more):
    return {
        "id": "c",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    } | more


@pytest.mark.parametrize("name", ["object_arguments", "arguments_at_the_end", "vllm_tools_stop"])
def test_arguments_arrive_however_they_were_sent(name):
    (call,) = calls(answer(name))

    assert json.loads(call[2]) == {"a": 1}
    assert answer(name).choices[0].stop.reason == "tool_use"


def test_text_beside_an_empty_list_of_calls_is_text():
    assert text(answer("text_with_empty_tools")) == "Hi you"
    assert answer("text_with_empty_tools").choices[0].stop.reason == "end"


@pytest.mark.parametrize("name", ["ollama_index_zero", "gemini_parallel_same_index"])
def test_calls_that_share_an_index_stay_apart(name):
    found = calls(answer(name))

    assert [call[2] for call in found] == ['{"a":1}', '{"a":2}']
    assert len({call[0] for call in found}) == 2
    assert answer(name).choices[0].stop.reason == "tool_use"


def test_interleaved_calls_are_told_apart():
    assert calls(answer("interleaved_tools")) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_a_missing_id_is_the_same_at_every_reading():
    assert calls(answer("object_arguments")) == calls(answer("object_arguments"))
    assert calls(answer("object_arguments"))[0][0].startswith("call_")


def test_a_tools_name_is_restored():
    origin = Origin(names={"f": "a/very/long/name"})

    assert calls(answer("interleaved_tools", origin))[0][1] == "a/very/long/name"


def test_opaque_state_names_its_issuer():
    blocks = answer("openrouter", Origin(issuer="them")).choices[0].blocks

    thinking = [block for block in blocks if isinstance(block, Thinking)]
    assert [block.text for block in thinking] == ["Hm. ", ""]
    assert thinking[0].native.issuer == "them"
    assert thinking[0].native.data["signature"] == "c2ln"
    assert [block.redacted for block in thinking] == [False, True]


def test_a_calls_thought_signature_is_kept():
    blocks = answer("gemini_parallel_same_index").choices[0].blocks

    (first, second) = [block for block in blocks if isinstance(block, ToolCall)]
    assert first.native == Native(
        "openai_chat", "", {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    )
    assert second.native is None


def test_thinking_parts_of_mistral_are_thinking():
    blocks = answer("mistral").choices[0].blocks

    assert [type(block) for block in blocks] == [Thinking, Text, ToolCall]
    assert blocks[1].text == "Yes!"


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("openai_text", Usage(3, 4, 2, None, 7, 5)),
        ("deepseek", Usage(6, 4, None, None, 5, 15)),
        ("gemini_parallel_same_index", Usage(10, None, None, None, 3, 20)),
        ("moonshot_usage", Usage(10, 9, None, None, 13)),
        ("vllm_stop", Usage(5, None, None, None, 1)),
    ],
)
def test_usage_falls_into_disjoint_buckets(name, usage):
    found = answer(name).usage

    buckets = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
    assert [getattr(found, each) for each in buckets] == [getattr(usage, each) for each in buckets]


def test_the_stop_sequence_that_matched_is_told():
    stop = answer("vllm_stop").choices[0].stop

    assert (stop.reason, stop.sequence) == ("stop_sequence", "END")


@pytest.mark.parametrize("name", ["error_first", "error_mid_stream", "finish_error"])
def test_an_error_inside_a_stream_is_a_failure(name):
    events = events_of(DIALECT, (CORPUS / "errors" / f"{name}.sse").read_bytes())

    assert isinstance(events[-1], Failure)
    assert not any(isinstance(event, MessageEnd | Stop) for event in events)


def test_an_error_keeps_the_status_in_its_code():
    events = events_of(DIALECT, (CORPUS / "errors" / "error_mid_stream.sse").read_bytes())

    assert (events[-1].fault.status, events[-1].fault.message) == (502, "Provider disconnected")


@pytest.mark.parametrize("ending", [b"", b"data: [DO", b'data: {"id":"c","choi', b"data: [DONE"])
def test_a_stream_that_stops_in_mid_answer_is_cut(ending):
    with pytest.raises(TruncatedError):
        events_of(DIALECT, stream(chunk({"role": "assistant", "content": "Hi"})) + ending)


FINISHED = (chunk({"role": "assistant", "content": "Hi"}), chunk({}, finish="stop"))


@pytest.mark.parametrize("origin", [Origin(), Origin(lenient=True)])
@pytest.mark.parametrize(
    "pending", [b'data: {"id', b"data: [DO", b"data:", b"da", b"event: mess", b'data: {"id":"c",\n']
)
def test_half_a_frame_after_the_finish_proves_a_cut(pending, origin):
    with pytest.raises(TruncatedError):
        events_of(DIALECT, stream(*FINISHED) + pending, origin=origin)


@pytest.mark.parametrize("origin", [Origin(), Origin(lenient=True)])
@pytest.mark.parametrize(
    "pending", [b"", b"data: [DONE]", b"data: [DONE]\n", b": bye", b"\n", b"data: [DONE]\n\ndata: {"]
)
def test_a_stream_may_close_after_its_finish_or_without_the_last_blank_line(pending, origin):
    events = events_of(DIALECT, stream(*FINISHED) + pending, origin=origin)

    assert isinstance(events[-1], MessageEnd)


def test_a_server_that_says_done_but_never_why_has_come_to_its_end():
    events = events_of(DIALECT, stream(FINISHED[0]) + b"data: [DONE]\n\n")

    assert [(event.reason, event.raw) for event in events if isinstance(event, Stop)] == [("end", None)]
    assert isinstance(events[-1], MessageEnd)


@pytest.mark.parametrize("origin", [Origin(), Origin(lenient=True)])
@pytest.mark.parametrize(
    ("arguments", "whole"), [('{"ci', False), ('{"a": "}', False), ('{"city": "Bern"}', True), ("", True)]
)
def test_done_without_a_reason_is_no_end_within_the_arguments_of_a_call(arguments, whole, origin):
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": arguments}}
    data = stream(chunk({"role": "assistant", "tool_calls": [call]})) + b"data: [DONE]\n\n"

    if whole:
        assert isinstance(events_of(DIALECT, data, origin=origin)[-1], MessageEnd)
    else:
        with pytest.raises(TruncatedError):
            events_of(DIALECT, data, origin=origin)


def test_a_stream_of_nothing_is_cut():
    with pytest.raises(TruncatedError):
        events_of(DIALECT, b"data: [DONE]\n\n")


def test_a_frame_that_is_no_json_is_garbled():
    with pytest.raises(GarbledError):
        events_of(DIALECT, b"data: <html>\n\n")


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"object": "list", "data": []}])
def test_a_whole_answer_without_choices_is_garbled(body):
    with pytest.raises(GarbledError):
        DIALECT.whole(body, Origin())


def test_an_error_in_place_of_a_whole_answer_is_a_failure():
    (event,) = DIALECT.whole({"error": {"message": "no", "code": 429}}, Origin())

    assert (event.fault.kind, event.fault.status) == ("rate_limit", 429)


def test_a_finish_beside_the_last_text_loses_nothing():
    events = events_of(DIALECT, stream(chunk({"role": "assistant", "content": "Hi"}, "stop", usage=None)))

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hi"]
    assert not any(isinstance(event, UsageReport) for event in events)


def test_a_finish_for_tools_without_a_call_is_an_end():
    gathered = gather(events_of(DIALECT, stream(chunk({"content": "Hi"}, "tool_calls"))))

    assert gathered.choices[0].stop.reason == "end"


def test_a_repeated_id_and_name_do_not_begin_another_call():
    part = {"index": 0, "id": "a", "type": "function"}
    events = events_of(
        DIALECT,
        stream(
            chunk({"tool_calls": [{**part, "function": {"name": "f", "arguments": '{"a"'}}]}),
            chunk({"tool_calls": [{**part, "function": {"name": "f", "arguments": ":1}"}}]}),
            chunk({}, "tool_calls"),
        ),
    )

    assert calls(gather(events)) == [("a", "f", '{"a":1}')]


def test_a_name_that_comes_late_is_waited_for():
    events = events_of(
        DIALECT,
        stream(
            chunk({"tool_calls": [{"index": 0, "id": "a"}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}),
            chunk({}, "tool_calls"),
        ),
    )

    assert calls(gather(events)) == [("a", "f", "{}")]
    assert [event.text for event in events if isinstance(event, ArgumentsDelta)] == ["{}"]


def test_half_of_a_pair_waits_for_the_other():
    events = events_of(DIALECT, stream(chunk({"content": "\ud83d"}), chunk({"content": "\ude42"}, "stop")))

    assert text(gather(events)) == "🙂"


def test_an_answer_that_the_upstream_gave_up_is_a_failure_and_no_end():
    given_up = chunk({"content": ""}, "insufficient_system_resource")
    events = events_of(DIALECT, stream(chunk({"role": "assistant", "content": "Ha"}), given_up))

    assert [event.fault.kind for event in events if isinstance(event, Failure)] == ["overloaded"]
    assert not any(isinstance(event, Stop | MessageEnd) for event in events)

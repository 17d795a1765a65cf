"""Whatever arrives, what a client of the Responses API gets follows the public schemas."""

import json

import pytest

from dialects.laws import events_of, frames_of, rendered
from pointsman.canon.blocks import Citation, Native, Refusal, ServerTool, Text, Thinking, ToolCall, Unknown
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
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import gather
from pointsman.dialects.names import joined
from pointsman.dialects.openai_responses import DIALECT
from schemas_responses import assert_event, assert_response, assert_stream

BODY = {
    "model": "claude",
    "instructions": "Be brief.",
    "max_output_tokens": 99,
    "reasoning": {"effort": "high", "summary": "auto"},
    "text": {"verbosity": "low"},
    "tools": [{"type": "function", "name": "now"}],
    "store": False,
    "metadata": {"team": "rails"},
    "temperature": None,
}
ASKED = Asked(model="claude", message_id="0a", created=1_700_000_000, body=BODY)
OTHER = "elsewhere"
NATIVE = Native(OTHER, "them", {"signature": "c2ln"})
EVENTS = [
    MessageStart("msg_1", "claude-x", None, Usage(input=10), {"container": "c"}, OTHER),
    Ping(),
    BlockStart(0, Thinking("")),
    ThinkingDelta(0, "Hm. "),
    ThinkingDelta(0, "Yes."),
    NativeDelta(0, NATIVE),
    BlockEnd(0),
    BlockStart(1, Thinking("", Native(OTHER, "them", {"data": "ZW5j"}), redacted=True)),
    BlockEnd(1),
    BlockStart(2, Text("")),
    CitationDelta(2, Citation(url="https://example.com", title=None, native=NATIVE)),
    CitationDelta(2, Citation(cited_text="a page", native=NATIVE)),
    TextDelta(2, "Said "),
    TextDelta(2, "so."),
    BlockEnd(2),
    BlockStart(3, Text("And more.")),
    BlockEnd(3),
    BlockStart(4, ServerTool("call", "srv_1", "web_search", NATIVE)),
    BlockEnd(4),
    BlockStart(5, Unknown(OTHER, {"type": "hologram"})),
    BlockEnd(5),
    BlockStart(6, ToolCall("toolu_1", "get_weather", native=NATIVE)),
    ArgumentsDelta(6, '{"city":'),
    BlockStart(7, ToolCall("toolu_2", joined("mcp__trains", "now"))),
    ArgumentsDelta(6, '"Kyiv"}'),
    BlockEnd(6),
    BlockEnd(7),
    BlockStart(8, ToolCall("toolu_3", "apply_patch", kind="custom")),
    ArgumentsDelta(8, '*** "raw"'),
    BlockEnd(8),
    UnknownEvent(OTHER, "odd", {}),
    Stop("tool_use", "tool_use", extra={"odd": 1}),
    UsageReport(Usage(10, 5, 3, 2, 7, 4, service_tier="standard", extra={"server_tool_use": {}})),
    MessageEnd(),
]


def folded(events, asked=ASKED):
    return DIALECT.fold(gather(events), asked)


def test_another_dialects_answer_streams_in_valid_events():
    frames = frames_of(rendered(DIALECT, EVENTS, ASKED))

    assert_stream(frames)
    assert frames[-1][0] == "response.completed"


def test_another_dialects_answer_folds_to_a_valid_response():
    response = folded(EVENTS)

    assert_response(response)
    kinds = [item["type"] for item in response["output"]]
    assert kinds == [
        *("reasoning", "reasoning", "message"),
        *("reasoning", "function_call", "function_call", "custom_tool_call"),
    ]
    message, call, inner, custom = response["output"][2], *response["output"][4:]
    assert [part["text"] for part in message["content"]] == ["Said so.", "And more."]
    assert message["content"][0]["annotations"] == [
        {
            "type": "url_citation",
            "url": "https://example.com",
            "title": "https://example.com",
            "start_index": 0,
            "end_index": 8,
        }
    ]
    assert (call["arguments"], inner["arguments"]) == ('{"city":"Kyiv"}', "{}")
    assert (inner["namespace"], inner["name"]) == ("mcp__trains", "now")
    assert custom["input"] == '*** "raw"'


def test_the_response_repeats_what_was_asked():
    response = folded(EVENTS)

    assert response["instructions"] == "Be brief."
    assert response["max_output_tokens"] == 99
    assert response["reasoning"] == {"effort": "high", "summary": "auto"}
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert response["tools"][0] | {"strict": None} == {
        "type": "function",
        "name": "now",
        "description": None,
        "parameters": None,
        "strict": None,
    }
    assert (response["store"], response["metadata"]) == (False, {"team": "rails"})
    assert response["temperature"] == 1.0


def test_usage_counts_each_token_once():
    assert folded(EVENTS)["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 5},
        "output_tokens": 11,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 31,
    }


def test_the_stream_ends_with_the_very_response_that_is_not_streamed():
    streamed = frames_of(rendered(DIALECT, EVENTS, ASKED))[-1][1]["response"]
    whole = folded(EVENTS)

    texts = [
        [item.get("content"), item.get("arguments"), item.get("input"), item.get("encrypted_content")]
        for item in streamed["output"]
    ]
    assert texts == [
        [item.get("content"), item.get("arguments"), item.get("input"), item.get("encrypted_content")]
        for item in whole["output"]
    ]
    assert {**streamed, "output": []} == {**whole, "output": []}


def test_opaque_state_comes_back_from_a_client_that_sends_the_output_as_input():
    output = json.loads(json.dumps(folded(EVENTS)["output"]))
    for item in output:
        item.pop("id")
        if item["type"] == "reasoning":
            item["content"] = None

    request = DIALECT.decode_request({"model": "m", "input": [{"role": "user", "content": "x"}, *output]})

    (turn,) = [message for message in request.messages if message.role == "assistant"]
    thinking = [block for block in turn.content if isinstance(block, Thinking)]
    calls = [block for block in turn.content if isinstance(block, ToolCall)]
    assert [block.native for block in thinking] == [NATIVE, Native(OTHER, "them", {"data": "ZW5j"})]
    assert [(block.text, block.redacted) for block in thinking] == [("Hm. Yes.", False), ("", True)]
    assert [block.native for block in calls] == [NATIVE, None, None]


def test_what_the_client_does_not_see_is_named():
    losses = [loss.what for event in EVENTS for loss in DIALECT.answer_losses(event)]

    assert losses == ["container", "citations", "web_search", "hologram", "odd", "odd"]


def test_state_that_comes_behind_its_call_is_told_behind_it():
    events = [
        MessageStart(dialect=OTHER),
        BlockStart(0, ToolCall("c1", "now")),
        NativeDelta(0, NATIVE, "call"),
        BlockEnd(0),
        Stop("tool_use"),
        MessageEnd(),
    ]

    stream = rendered(DIALECT, events, ASKED)

    assert_stream(frames_of(stream))
    assert gather(events_of(DIALECT, stream)).choices[0].blocks[0].native == NATIVE


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("end", "completed", None),
        ("tool_use", "completed", None),
        ("stop_sequence", "completed", None),
        ("pause", "completed", None),
        ("max_tokens", "incomplete", {"reason": "max_output_tokens"}),
        ("context_window", "incomplete", {"reason": "max_output_tokens"}),
        ("refusal", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_each_reason_has_its_state(reason, status, why):
    events = [MessageStart(), BlockStart(0, Refusal("No.")), BlockEnd(0), Stop(reason), MessageEnd()]

    response = folded(events)

    assert_response(response)
    assert (response["status"], response["incomplete_details"]) == (status, why)
    assert frames_of(rendered(DIALECT, events, ASKED))[-1][0] == f"response.{status}"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("rate_limit", "Slow down", 429, retry_after=3.0), "rate_limit_exceeded"),
        (Fault("overloaded", "Busy", 529), "server_is_overloaded"),
        (Fault("billing", "No money", 402), "insufficient_quota"),
        (Fault("api", "Oops", 500), "server_error"),
        (Fault("invalid_request", "prompt is too long: 9 > 8", 400), "context_length_exceeded"),
        (Fault("invalid_request", "No", 400, code="odd"), "invalid_prompt"),
    ],
)
def test_a_stream_that_fails_says_so_to_the_sdks_and_to_codex(fault, code):
    frames = frames_of(rendered(DIALECT, [*EVENTS[:14], Failure(fault)], ASKED))

    (_, error), (_, failed) = frames[-2:]
    assert_event("error", error)
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == code
    assert [value["sequence_number"] for _, value in frames] == list(range(len(frames)))
    assert ("try again in 3s" in failed["response"]["error"]["message"]) is (fault.retry_after is not None)


def test_an_error_outside_a_stream_has_the_envelope_of_openais_apis():
    body = DIALECT.render_error(Fault("rate_limit", "Slow down", 429), "req_1")

    assert {"message", "type", "param", "code"} <= body["error"].keys()
    assert DIALECT.error_frame(Fault("api", "Oops", 500), "req_1").startswith(b"event: error\ndata: ")

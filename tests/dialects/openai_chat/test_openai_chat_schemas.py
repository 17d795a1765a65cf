"""Whatever arrives, what a Chat client gets follows the public schema."""

import pytest

from pointsman.canon.blocks import Citation, Native, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.canon.errors import Fault
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    CitationDelta,
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
from pointsman.dialects.openai_chat import DIALECT
from schemas_chat import assert_completion, assert_error, assert_stream

ASKED = Asked(model="claude", message_id="0a", created=1_700_000_000, include_usage=True)
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
    BlockStart(3, ServerTool("call", "srv_1", "web_search", NATIVE)),
    BlockEnd(3),
    BlockStart(4, Unknown(OTHER, {"type": "hologram"})),
    BlockEnd(4),
    BlockStart(5, ToolCall("toolu_1", "get_weather", native=NATIVE)),
    ArgumentsDelta(5, '{"city":'),
    ArgumentsDelta(5, '"Kyiv"}'),
    BlockEnd(5),
    BlockStart(6, ToolCall("toolu_2", "now")),
    BlockEnd(6),
    UnknownEvent(OTHER, "odd", {}),
    Stop("tool_use", "tool_use", extra={"odd": 1}),
    UsageReport(Usage(10, 5, 3, 2, 7, 4, service_tier="standard", extra={"server_tool_use": {}})),
    MessageEnd(),
]


def rendered(events, asked=ASKED):
    encoder = DIALECT.encoder(asked)
    return b"".join(encoder.encode(event) for event in events) + encoder.close()


def folded(events, asked=ASKED):
    return DIALECT.fold(gather(events), asked)


def test_another_dialects_answer_streams_in_valid_chunks():
    assert_stream(rendered(EVENTS))


def test_another_dialects_answer_folds_to_a_valid_completion():
    completion = folded(EVENTS)

    assert_completion(completion)
    message = completion["choices"][0]["message"]
    assert message["content"] == "Said so."
    assert message["reasoning_content"] == "Hm. Yes."
    assert [piece["type"] for piece in message["reasoning_details"]] == [
        "reasoning.text",
        "reasoning.encrypted",
    ]
    assert message["annotations"][0]["url_citation"]["start_index"] == 0
    assert message["annotations"][0]["url_citation"]["end_index"] == 8
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ['{"city":"Kyiv"}', "{}"]
    assert completion["id"] == "chatcmpl-0a"
    assert completion["service_tier"] == "default"


def test_usage_counts_each_token_once():
    usage = folded(EVENTS)["usage"]

    assert usage == {
        "prompt_tokens": 20,
        "completion_tokens": 11,
        "total_tokens": 31,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }


def test_the_stream_and_the_fold_say_the_same():
    from dialects.laws import events_of

    again = folded(events_of(DIALECT, rendered(EVENTS)))
    whole = folded(EVENTS)

    assert again["usage"] == whole["usage"]
    message, expected = (each["choices"][0]["message"] for each in (again, whole))
    assert message["content"] == expected["content"]
    assert message["tool_calls"] == expected["tool_calls"]
    assert message["annotations"] == expected["annotations"]
    assert message["reasoning_content"] == expected["reasoning_content"]


def test_opaque_state_comes_back_from_a_client_that_echoes_the_message():
    message = folded(EVENTS)["choices"][0]["message"]

    request = DIALECT.decode_request({"model": "m", "messages": [{"role": "user", "content": "x"}, message]})

    blocks = request.messages[1].content
    assert [block.native for block in blocks if isinstance(block, Thinking)] == [
        NATIVE,
        Native(OTHER, "them", {"data": "ZW5j"}),
    ]
    assert [block.redacted for block in blocks if isinstance(block, Thinking)] == [False, True]
    assert [block.native for block in blocks if isinstance(block, ToolCall)] == [NATIVE, None]


def test_a_client_that_did_not_ask_for_usage_gets_none():
    stream = rendered(EVENTS, Asked(model="m", message_id="1", created=1))

    assert b'"usage"' not in stream
    assert stream.endswith(b"data: [DONE]\n\n")


def test_a_stream_without_its_end_gets_no_done():
    assert b"[DONE]" not in rendered(EVENTS[:-1])


def test_what_the_client_does_not_see_is_named():
    losses = [loss.what for event in EVENTS for loss in DIALECT.answer_losses(event)]

    assert losses == ["container", "citations", "web_search", "hologram", "odd", "odd"]


@pytest.mark.parametrize(
    "kind", ["invalid_request", "authentication", "billing", "rate_limit", "overloaded", "api"]
)
def test_errors_follow_the_schema(kind):
    fault = Fault(kind, "no", 400, details={"error_code": "thread_unsupported_request"})

    assert_error(DIALECT.render_error(fault, "req_1"))
    assert DIALECT.error_frame(fault, "req_1").startswith(b'data: {"error":')


@pytest.mark.parametrize(
    "reason", ["end", "max_tokens", "stop_sequence", "pause", "refusal", "context_window"]
)
def test_each_reason_has_a_word_of_this_dialect(reason):
    assert_completion(folded([MessageStart(), Stop(reason), MessageEnd()]))

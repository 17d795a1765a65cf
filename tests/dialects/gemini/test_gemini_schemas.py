"""Whatever arrives, what a Gemini client or upstream gets fits into Google's own types."""

import base64
import json

import pytest

from dialects.laws import ASKED, rendered
from matrix.crossing import cases, streamed, target, translated, whole
from pointsman.canon.blocks import Citation, Native, Refusal, ServerTool, Text, Thinking, ToolCall, Unknown
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
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT
from schemas_gemini import assert_request, assert_response, assert_stream

OTHER = "elsewhere"
NATIVE = Native(OTHER, "them", {"signature": "c2ln?>"})
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
    CitationDelta(2, Citation(url="https://example.com", title="Äpfel", start=0, end=5)),
    CitationDelta(2, Citation(cited_text="a page", native=NATIVE)),
    TextDelta(2, "Sägt "),
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
    BlockStart(7, Refusal("No.")),
    BlockEnd(7),
    UnknownEvent(OTHER, "odd", {}),
    Stop("tool_use", "tool_use", extra={"odd": 1}),
    UsageReport(Usage(10, 5, 3, 2, 7, 4, service_tier="standard", extra={"server_tool_use": {}})),
    MessageEnd(),
]


def test_another_dialects_answer_streams_in_valid_responses():
    responses = assert_stream(rendered(DIALECT, EVENTS))

    parts = [part for response in responses for part in response.candidates[0].content.parts]
    calls = [part.function_call for part in parts if part.function_call]
    assert "".join(part.text for part in parts if part.text and not part.thought) == "Sägt so.No."
    assert [(call.id, call.args) for call in calls] == [("toolu_1", {"city": "Kyiv"}), ("toolu_2", {})]
    assert responses[-1].usage_metadata.total_token_count == 31


def test_another_dialects_answer_folds_to_a_valid_response():
    response = assert_response(DIALECT.fold(gather(EVENTS), ASKED))

    support = response.candidates[0].grounding_metadata.grounding_supports[0]
    assert (support.segment.start_index, support.segment.end_index) == (0, 6)
    assert response.candidates[0].finish_reason == "STOP"


def test_state_in_a_signature_survives_an_sdk_that_decodes_it_and_codes_it_anew():
    response = assert_response(DIALECT.fold(gather(EVENTS), ASKED))

    turn = json.loads(response.candidates[0].content.model_dump_json(by_alias=True, exclude_none=True))
    for part in turn["parts"]:
        if "thoughtSignature" in part:
            plain = base64.b64decode(part["thoughtSignature"].translate(str.maketrans("-_", "+/")))
            part["thoughtSignature"] = base64.urlsafe_b64encode(plain).decode()
    turn["parts"] += [{"functionCall": {"id": "x", "name": "f"}}]
    blocks = DIALECT.decode_request({"contents": [turn]}).messages[0].content

    assert blocks[0] == Thinking("Hm. Yes.", NATIVE, extra=blocks[0].extra)
    assert (blocks[1].redacted, blocks[1].native) == (True, Native(OTHER, "them", {"data": "ZW5j"}))
    assert blocks[3].native == NATIVE


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param(name, path, id=f"{case}.{name}")
        for case, name, path in cases("answers", ".json")
        if (case, name) != ("unknown_things", DIALECT.name)
    ],
)
def test_every_real_answer_fits_when_it_is_told_whole(source, path):
    assert_response(DIALECT.fold(gather(whole(source, json.loads(path.read_text()))), ASKED))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param(name, path, id=f"{case}.{name}")
        for case, name, path in cases("streams", ".sse")
        if name != DIALECT.name
    ],
)
def test_every_real_stream_of_another_dialect_fits(source, path):
    assert_stream(rendered(DIALECT, streamed(source, path.read_bytes())))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param(name, path, id=f"{case}.{name}")
        for case, name, path in cases("requests", ".json")
        if name != DIALECT.name
    ],
)
@pytest.mark.parametrize("subset", ["full", "openapi"])
def test_every_real_request_of_another_dialect_fits(source, path, subset):
    result = translated(source, DIALECT.name, json.loads(path.read_text()), target(schema_subset=subset))

    assert "refused" in result or assert_request(result["body"]) is None


def test_an_error_in_mid_stream_is_one_that_googles_sdks_raise():
    frame = DIALECT.error_frame(Fault("overloaded", "too busy", 200), "req_1")

    body = frame.removeprefix(b"data: ").strip()
    assert body.startswith(b'{"error":')
    assert 400 <= json.loads(body)["error"]["code"] < 600

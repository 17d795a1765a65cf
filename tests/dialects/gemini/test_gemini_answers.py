"""Answers of Gemini upstreams, and what Gemini clients get of others'."""

import json

import pytest

from dialects.laws import ASKED, events_of, frames_of, rendered
from pointsman.canon.blocks import Citation, Image, Native, Text, Thinking, ToolCall
from pointsman.canon.errors import Fault, GarbledError, RefusedError, TruncatedError
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
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT
from pointsman.wire.envelope import PREFIX


def answer(*parts, finish="STOP", **more):
    return {
        "candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": finish}],
        **more,
    }


def told(body, **origin):
    return gather(DIALECT.whole(body, Origin(**origin)))


def stream(*responses):
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in responses)


def said(*events):
    """The responses for a Gemini client."""
    return [frame for _, frame in frames_of(rendered(DIALECT, [MessageStart("id", "m"), *events]))]


def parts_of(responses):
    return [part for response in responses for part in response["candidates"][0]["content"]["parts"]]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("MODEL_ARMOR", "refusal"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_why_an_answer_ended(finish, reason):
    stop = told(answer({"text": "x"}, finish=finish)).choices[0].stop

    assert (stop.reason, stop.raw) == (reason, finish)


def test_problem_18_a_call_is_why_an_answer_ended():
    call = {"functionCall": {"name": "f", "args": {}}}

    assert told(answer(call)).choices[0].stop.reason == "tool_use"
    assert told(answer(call, finish="MAX_TOKENS")).choices[0].stop.reason == "max_tokens"


def test_a_blocked_prompt_is_a_refusal_that_explains_itself():
    body = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Not this."}}

    (choice,) = told(body).choices
    assert (choice.blocks, choice.stop.reason) == ((), "refusal")
    assert choice.stop.details == {"type": "refusal", "explanation": "Not this."}


def test_usage_goes_into_buckets_that_do_not_overlap():
    usage = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 900,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 1030,
    }

    found = told(answer({"text": "x"}, usageMetadata=usage)).usage

    assert (found.input, found.cache_read, found.output, found.reasoning) == (107, 900, 3, 20)
    assert DIALECT.fold(told(answer({"text": "x"}, usageMetadata=usage)), ASKED)["usageMetadata"] == usage


def test_problem_13_counts_of_another_dialect_add_up():
    responses = said(UsageReport(Usage(10, 5, 3, 2, 7, 4)), Stop("end"), MessageEnd())

    assert responses[-1]["usageMetadata"] == {
        "promptTokenCount": 20,
        "cachedContentTokenCount": 5,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 4,
        "totalTokenCount": 31,
    }


def test_problem_1_a_call_has_all_its_arguments_streamed_or_not():
    call = {"functionCall": {"id": "c", "name": "f", "args": {"a": [1, "ä"]}}, "thoughtSignature": "YQ=="}
    body = answer(call)
    events = events_of(DIALECT, stream(answer(call)))

    for found in (told(body), gather(events)):
        (block,) = found.choices[0].blocks
        assert json.loads(block.arguments) == {"a": [1, "ä"]}
        assert block.native == Native("gemini", "", {"thoughtSignature": "YQ=="})


def test_a_call_without_an_id_gets_the_same_at_every_reading():
    body = answer({"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}, responseId="r")

    ids = [[block.id for block in told(body).choices[0].blocks] for _ in range(2)]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    assert DIALECT.fold(told(body), ASKED) == body


def test_names_that_were_changed_are_restored_in_its_own_dialect_too():
    call = {"functionCall": {"name": "f_1", "args": {}}}

    folded = DIALECT.fold(told(answer(call), names={"f_1": "f.1"}), ASKED)

    assert folded["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "f.1"


def test_a_call_whose_arguments_come_in_pieces_is_kept_for_its_own_dialect():
    piece = {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "$.a"}], "willContinue": True}}

    assert DIALECT.fold(told(answer(piece)), ASKED) == answer(piece)


def test_pieces_of_a_text_are_joined_and_half_a_character_waits():
    half = json.dumps({"candidates": [{"content": {"parts": [{"text": "\ud83d"}]}}]})
    rest = json.dumps(answer({"text": "\ude00!"}))
    data = f"data: {half}\n\ndata: {rest}\n\n".encode()

    (block,) = gather(events_of(DIALECT, data)).choices[0].blocks

    assert block.text == "😀!"


def test_grounding_becomes_citations_that_count_characters():
    support = {
        "segment": {"startIndex": 3, "endIndex": 10, "text": "x"},
        "groundingChunkIndices": [1, 9],
    }
    chunks = [{"web": {}}, {"web": {"uri": "https://example.com", "title": "T"}}]
    body = answer({"text": "Äh. Über."})
    body["candidates"][0]["groundingMetadata"] = {"groundingChunks": chunks, "groundingSupports": [support]}

    (citation,) = told(body).choices[0].blocks[0].citations

    assert (citation.url, citation.title, citation.start, citation.end) == ("https://example.com", "T", 2, 8)


def test_citations_that_come_behind_a_call_have_a_text_of_their_own():
    body = answer({"functionCall": {"name": "f", "args": {}}})
    body["candidates"][0]["citationMetadata"] = {"citations": [{"uri": "https://example.com"}]}

    blocks = told(body).choices[0].blocks

    assert [citation.url for citation in blocks[1].citations] == ["https://example.com"]
    assert DIALECT.fold(told(body), ASKED) == body


def test_pictures_are_blocks_of_an_answer():
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "YQ=="}

    blocks = told(answer(picture)).choices[0].blocks

    assert [type(block) for block in blocks] == [Image, Thinking]


def test_an_error_within_an_answer_is_a_failure():
    error = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
    fault = Fault("overloaded", "busy", 503, "UNAVAILABLE", raw=error, dialect="gemini")

    assert events_of(DIALECT, stream(error)) == [Failure(fault)]
    assert events_of(DIALECT, json.dumps([error]).encode()) == [Failure(fault)]
    assert list(DIALECT.summary(error)) == [Failure(fault)]
    with pytest.raises(RefusedError):
        told(error)


@pytest.mark.parametrize(
    "body", [{}, {"candidates": []}, {"usageMetadata": {}}, {"object": "chat.completion"}]
)
def test_what_holds_no_answer_is_garbled(body):
    with pytest.raises(GarbledError):
        DIALECT.whole(body, Origin())
    with pytest.raises(GarbledError):
        DIALECT.summary(body)


def test_a_relay_learns_the_model_and_the_usage_of_a_whole_answer():
    body = answer({"text": "x"}, modelVersion="gemini-x", usageMetadata={"promptTokenCount": 3})

    start, report, stop = DIALECT.summary(body)

    assert (start.model, report.usage.input, stop.reason) == ("gemini-x", 3, "end")
    assert [type(event) for event in DIALECT.summary(answer({"text": "x"}))] == [MessageStart, Stop]


@pytest.mark.parametrize(
    "responses",
    [
        [answer({"text": "x"}, finish=None)],
        [{"usageMetadata": {"promptTokenCount": 1}}],
        [
            {
                "candidates": [
                    {"index": 0, "content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"},
                    {"index": 1, "content": {"parts": [{"text": "y"}]}},
                ]
            }
        ],
    ],
)
def test_problem_23_a_stream_is_whole_only_when_each_candidate_has_its_reason(responses):
    decoder = DIALECT.decoder(Origin())
    list(decoder.feed(stream(*responses)))

    with pytest.raises(TruncatedError):
        list(decoder.close())


def test_a_stream_that_breaks_off_behind_its_reason_within_an_event_is_cut():
    decoder = DIALECT.decoder(Origin())
    list(decoder.feed(stream(answer({"text": "x"})) + b'data: {"usage'))

    with pytest.raises(TruncatedError):
        list(decoder.close())


def test_a_gemini_stream_has_no_pings_and_no_comments():
    assert DIALECT.ping == b""
    assert said(Ping()) == []


def test_a_thought_its_state_and_a_call_are_told_in_order():
    native = Native("elsewhere", "them", {"signature": "c2ln"})

    responses = said(
        BlockStart(0, Thinking("")),
        ThinkingDelta(0, "Hm."),
        NativeDelta(0, native),
        BlockEnd(0),
        BlockStart(1, ToolCall("c", "f")),
        ArgumentsDelta(1, '{"a":'),
        ArgumentsDelta(1, "1}"),
        BlockEnd(1),
        Stop("tool_use"),
        MessageEnd(),
    )

    parts = parts_of(responses)
    assert parts[0] == {"text": "Hm.", "thought": True}
    assert (parts[1]["text"], parts[1]["thought"]) == ("", True)
    assert parts[2] == {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}
    assert parts[3] == {"text": ""}
    assert responses[-1]["candidates"][0]["finishReason"] == "STOP"
    blocks = DIALECT.decode_request({"contents": [{"role": "model", "parts": parts}]}).messages[0].content
    assert (blocks[0].text, blocks[0].native) == ("Hm.", native)


def test_two_thoughts_of_which_nobody_signed_the_first_stay_two():
    native = Native("elsewhere", "them", {"signature": "c2ln"})

    responses = said(
        BlockStart(0, Thinking("One.")),
        BlockEnd(0),
        BlockStart(1, Thinking("Two.", native)),
        BlockEnd(1),
        Stop("end"),
        MessageEnd(),
    )

    parts = parts_of(responses)
    blocks = DIALECT.decode_request({"contents": [{"role": "model", "parts": parts}]}).messages[0].content
    assert [(block.text, block.native) for block in blocks if isinstance(block, Thinking)] == [
        ("One.", None),
        ("Two.", native),
    ]
    read = gather(events_of(DIALECT, stream(*responses))).choices[0].blocks
    assert [block.text for block in read if isinstance(block, Thinking)] == ["One.", "Two."]


def test_arguments_that_are_no_object_are_told_and_named():
    encoder = DIALECT.encoder(ASKED)
    events = [
        MessageStart("id", "m"),
        BlockStart(0, ToolCall("c", "f")),
        ArgumentsDelta(0, "{broken"),
        BlockEnd(0),
        Stop("tool_use"),
        MessageEnd(),
    ]

    frames = frames_of(b"".join(encoder.encode(event) for event in events))

    assert parts_of([frames[0][1]])[0]["functionCall"]["args"] == {"malformed_arguments": "{broken"}
    assert [loss.what for loss in encoder.losses()] == ["tool_call.arguments"]
    assert [loss.what for loss in DIALECT.fold_losses(gather(events), ASKED)] == ["tool_call.arguments"]


def test_citations_of_another_dialect_are_grounding_of_the_last_response():
    responses = said(
        BlockStart(0, Text("")),
        TextDelta(0, "Äh, so."),
        CitationDelta(0, Citation(url="https://example.com", start=0, end=3, cited_text="Äh,")),
        CitationDelta(0, Citation(url="https://example.com", title="T", cited_text="Of the source")),
        CitationDelta(0, Citation(cited_text="a page")),
        BlockEnd(0),
        Stop("end"),
        MessageEnd(),
    )

    assert responses[-1]["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://example.com"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 4, "text": "Äh,"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 0, "endIndex": 8, "text": "Äh, so."}, "groundingChunkIndices": [0]},
        ],
    }


def test_several_answers_stand_side_by_side():
    responses = said(
        BlockStart(0, Text("One"), 0),
        BlockStart(1, Text("Two"), 1),
        BlockEnd(0),
        BlockEnd(1),
        Stop("end"),
        Stop("max_tokens", choice=1),
        MessageEnd(),
    )

    last = responses[-1]["candidates"]
    assert [(each["index"], each["finishReason"]) for each in last] == [(0, "STOP"), (1, "MAX_TOKENS")]


@pytest.mark.parametrize(
    ("stop", "word", "message"),
    [
        (Stop("stop_sequence", sequence="a"), "STOP", None),
        (Stop("context_window"), "MAX_TOKENS", None),
        (Stop("refusal", details={"explanation": "No."}), "SAFETY", "No."),
        (Stop("other", "odd"), "OTHER", None),
        (Stop("other"), "STOP", None),
    ],
)
def test_how_an_answer_of_another_dialect_ended(stop, word, message):
    (candidate,) = said(stop, MessageEnd())[-1]["candidates"]

    assert (candidate["finishReason"], candidate.get("finishMessage")) == (word, message)


def test_a_client_that_asks_for_an_array_gets_one_with_the_error_that_ends_it():
    writer = DIALECT.array()
    encoder = DIALECT.encoder(ASKED)
    events = [MessageStart("id", "m"), BlockStart(0, Text("")), TextDelta(0, "Hi\n\n"), TextDelta(0, "!")]

    written = b"".join(writer.write(encoder.encode(event)) for event in events)
    written += writer.write(DIALECT.error_frame(Fault("api", "broken", 500), "req")) + writer.close()

    items = json.loads(written)
    assert [part["text"] for part in parts_of(items[:2])] == ["Hi\n\n", "!"]
    assert items[2]["error"]["message"] == "broken"
    assert json.loads(DIALECT.array().close()) == []


def test_no_envelope_reaches_a_gemini_client_in_plain():
    native = Native("elsewhere", "them", {"signature": "c2ln"})

    written = rendered(
        DIALECT, [MessageStart(), BlockStart(0, Thinking("x", native)), BlockEnd(0), MessageEnd()]
    )

    assert PREFIX.encode() not in written

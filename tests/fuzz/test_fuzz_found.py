"""What the fuzzer found, each in the fewest bytes that show it."""

import json

import pytest

from dialects.laws import ASKED, events_of, rendered
from fuzz.changes import places
from fuzz.registry import TARGETS
from matrix.crossing import ORIGIN, target
from pointsman.canon.blocks import SPELLING, Native
from pointsman.canon.errors import TruncatedError, UnsupportedError
from pointsman.dialects.anthropic import DIALECT as ANTHROPIC
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT as GEMINI
from pointsman.dialects.openai_chat import DIALECT as CHAT
from pointsman.dialects.openai_responses import DIALECT as RESPONSES
from pointsman.dialects.openai_responses.state import seal_call
from pointsman.wire.envelope import seal, unseal
from pointsman.wire.headers import retry_after
from pointsman.wire.json import decode_object, decode_part
from pointsman.wire.sse import frame


def frames(*values):
    """A stream of these events, named where they have a type."""
    return b"".join(
        (f"event: {value['type']}\n" if "type" in value else "").encode()
        + b"data: %b\n\n" % json.dumps(value).encode()
        for value in values
    )


@pytest.mark.parametrize("text", ["6\x1d", "\x1f7", "9" * 400, "1" + "0" * 20])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_a_wait_among_control_characters_or_without_end_is_a_time_or_none(name, text):
    waits = retry_after(((name, text),), 0.0), CHAT.parse_error(429, ((name, text),), b"").retry_after

    assert all(wait is None or wait < 1e16 for wait in waits)


def test_a_member_without_a_name_is_no_odd_spelling():
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "": 1.5}
    answer = {"role": "assistant", "content": [call], "stop_reason": "tool_use"}

    again = ANTHROPIC.fold(gather(ANTHROPIC.whole(answer, ORIGIN)), ASKED)

    assert again["content"][0] == call


@pytest.mark.parametrize("decode", [decode_object, decode_part])
def test_no_name_on_the_wire_can_be_taken_for_odd_spellings(decode):
    body = json.dumps({"a": {SPELLING: 1}, SPELLING: 2}).encode()

    assert decode(body) == {"a": {"\ufffd": 1}, "\ufffd": 2}


@pytest.mark.parametrize("value", ["x", 1.5, {"role": 7}, []])
@pytest.mark.parametrize("name", ["", SPELLING])
def test_a_member_that_looks_like_odd_spellings_is_one_like_any_other(name, value):
    for each in TARGETS.values():
        for seed in each.seeds() if each.shape == "json" else ():
            body = json.loads(seed)
            for holder, _ in list(places(body)):
                if isinstance(holder, dict):
                    holder[name] = value
            each.run(json.dumps(body).encode())


def test_a_piece_of_thinking_may_be_numbered_by_a_list():
    pieces = [{"type": "reasoning.text", "text": "Hm", "index": [0]}] * 2
    chunks = [{"choices": [{"index": 0, "delta": {"reasoning_details": [piece]}}]} for piece in pieces]
    stream = frames(*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    [block] = gather(events_of(CHAT, stream + b"data: [DONE]\n\n")).choices[0].blocks

    assert block.text == "HmHm"


def test_pieces_of_arguments_behind_arguments_that_are_no_object_are_kept_as_text():
    call = {"type": "tool_use", "id": "t", "name": "f", "input": 7}
    stream = frames(
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": call},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": "x"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )

    answer = ANTHROPIC.fold(gather(events_of(ANTHROPIC, stream)), ASKED)

    assert answer["content"][0]["input"] == {"malformed_arguments": "x"}


def test_a_call_may_be_named_by_a_list():
    call = {"index": 0, "function": {"name": ["f"], "arguments": "{}"}}
    named = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [each]}}]} for each in (named, call)]
    stream = frames(*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})

    [block] = gather(events_of(CHAT, stream + b"data: [DONE]\n\n")).choices[0].blocks

    assert (block.name, block.arguments) == ("f", "{}")


@pytest.mark.parametrize("name", ["\ud83d", "a\n\ndata: {}", "a\rb"])
def test_an_events_name_cannot_break_a_frame(name):
    assert frame(b"{}", name).count(b"\n") <= 3
    assert b"\r" not in frame(b"{}", name)


def test_half_a_character_in_opaque_state_does_not_stop_an_envelope():
    sealed = seal(Native("openai_chat", "maker", {"signature": "x\ud83d"}))

    assert unseal(sealed) == Native("openai_chat", "maker", {"signature": "x\ud83d"})


def test_counts_may_have_a_member_that_looks_like_a_list_of_the_absent():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "": 1.5}
    answer = {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}

    assert CHAT.fold(gather(CHAT.whole(answer, ORIGIN)), ASKED)["usage"] == usage


def test_a_text_document_that_is_no_base64_at_all_is_refused_by_name():
    data = {"inlineData": {"mimeType": "text/plain", "data": "é"}}
    request = GEMINI.decode_request({"contents": [{"role": "user", "parts": [data]}]})

    with pytest.raises(UnsupportedError, match="base64"):
        ANTHROPIC.encode_request(request, target())


@pytest.mark.parametrize("indices", [True, 3, {}, "0"])
def test_grounding_may_point_at_its_sources_by_anything(indices):
    support = {"segment": {"text": "x"}, "groundingChunkIndices": indices}
    candidate = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
    answer = {"candidates": [{**candidate, "groundingMetadata": {"groundingSupports": [support]}}]}

    [block] = gather(GEMINI.whole(answer, ORIGIN)).choices[0].blocks

    assert (block.text, block.citations) == ("x", ())


def test_types_of_a_schema_nested_in_lists_do_not_overflow_the_stack():
    deep = json.loads("[" * 700 + '"STRING"' + "]" * 700)
    tool = {"functionDeclarations": [{"name": "f", "parameters": {"type": deep}}]}
    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "tools": [tool]}

    TARGETS["gemini.request"].run(json.dumps(body).encode())


@pytest.mark.parametrize("stream", [b"[DONE]", b'[{"candidates": []}, 7]', b"[}"])
def test_a_tap_passes_over_what_is_no_array(stream):
    decoder = GEMINI.decoder(Origin(lenient=True))

    assert UNREADABLE in [getattr(event, "name", "") for event in decoder.feed(stream)]
    assert decoder.feed(b"more") == []
    with pytest.raises(TruncatedError):
        decoder.close()


def test_a_tool_among_those_of_a_namespace_may_be_of_another_kind():
    function = {"type": "function", "parameters": {"type": "object"}, "strict": False}
    inner = [{**function, "name": "f"}, {"type": "tomorrow"}, {**function, "name": "g"}]
    body = {"model": "m", "input": "x", "tools": [{"type": "namespace", "name": "n", "tools": inner}]}

    again = RESPONSES.encode_request(RESPONSES.decode_request(body), target()).body

    assert [tool["name"] for tool in again["tools"][0]["tools"]] == ["f", "g"]


def test_probabilities_that_are_no_list_are_passed_over():
    part = {"type": "output_text", "text": "x", "annotations": [], "logprobs": 7}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    answer = {"id": "r", "status": "completed", "model": "m", "output": [message]}

    TARGETS["openai_responses.answer"].run(json.dumps(answer).encode())


@pytest.mark.parametrize("kind", ["reasoning", "function_call", "custom_tool_call", "message"])
def test_a_piece_behind_the_end_of_its_item_is_passed_over(kind):
    item = {
        "type": kind,
        "id": "i",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
        "input": "x",
        "summary": [],
    }
    delta = {
        "reasoning": "reasoning_summary_text",
        "function_call": "function_call_arguments",
        "custom_tool_call": "custom_tool_call_input",
        "message": "output_text",
    }[kind]
    piece = {"type": f"response.{delta}.delta", "output_index": 0, "delta": "1"}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    ended = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    begun = {**done, "type": "response.output_item.added"}

    TARGETS["openai_responses.stream"].run(frames(begun, piece, done, piece, ended))


def test_a_citation_behind_the_end_of_its_part_is_passed_over():
    part = {"type": "output_text", "text": "x", "annotations": []}
    place = {"output_index": 0, "content_index": 0}
    done = {"type": "response.content_part.done", **place, "part": part}
    note = {"type": "url_citation", "url": "https://example.com", "start_index": 0, "end_index": 1}
    cited = {"type": "response.output_text.annotation.added", **place, "annotation": note}
    ended = {"type": "response.completed", "response": {"status": "completed", "output": []}}

    TARGETS["openai_responses.stream"].run(frames(done, cited, ended))


def test_state_that_comes_behind_its_call_reaches_a_chat_client():
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"}
    native = Native("gemini", "maker", {"thoughtSignature": "x"})
    state = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": seal_call(native, "c")}
    items = [
        {"type": "response.output_item.done", "output_index": at, "item": i}
        for at, i in enumerate((call, state))
    ]
    ended = {"type": "response.completed", "response": {"status": "completed", "output": []}}

    stream = rendered(CHAT, events_of(RESPONSES, frames(*items, ended)))

    [block] = gather(events_of(CHAT, stream)).choices[0].blocks
    assert block.native == native

"""The engine's stream as the client gets it."""

import json

import pytest

from pointsman.canon.errors import TruncatedError
from pointsman.upstream.engine_answer import Fold, Stream
from pointsman.upstream.engine_tools import forced_tools
from pointsman.wire.sse import Frame

DONE = Frame("", b"[DONE]")


def chunk(delta=None, finish=None, index=0, **more):
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "chatcmpl-x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return Frame("", json.dumps({**head, "choices": [choice], **more}).encode())


def folded(*frames, forced=None):
    fold = Fold(forced)
    for one in frames:
        fold.add(one)
    return fold.whole()


def forced(*names):
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return forced_tools({"tools": tools, "tool_choice": "required"})


def test_a_plain_chunk_passes_byte_for_byte_and_progress_not_at_all():
    stream = Stream(None)
    plain, quoting = chunk({"content": "a"}), chunk({"content": "prompt_progress"})

    assert stream.pass_on(plain) == b"data: " + plain.data + b"\n\n"
    assert b"prompt_progress" in stream.pass_on(quoting)
    assert stream.pass_on(chunk({"role": "assistant"}, prompt_progress={"total": 3})) == b""
    assert not stream.over
    assert stream.pass_on(DONE) == b"data: [DONE]\n\n"
    assert stream.over


def test_a_stream_folds_into_the_whole_answer():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    end = Frame("", json.dumps({"id": "chatcmpl-x", "choices": [], "usage": usage}).encode())

    answer = folded(
        chunk({"role": "assistant", "content": None}, prompt_progress={"total": 1}),
        chunk({"role": "assistant", "content": None}),
        chunk({"reasoning_content": "hm"}),
        chunk({"content": "Hel"}),
        chunk({"content": "B"}, index=1),
        chunk({"content": "lo"}),
        chunk(finish="stop"),
        chunk(finish="length", index=1),
        end,
        DONE,
    )

    first, second = answer["choices"]
    assert first["message"] == {
        "role": "assistant",
        "content": "Hello",
        "refusal": None,
        "reasoning_content": "hm",
    }
    assert (first["finish_reason"], second["finish_reason"]) == ("stop", "length")
    assert second["message"]["content"] == "B"
    assert answer["usage"] == usage
    assert answer["object"] == "chat.completion"


def test_log_probabilities_and_text_completions_fold_too():
    def part(text, token, finish=None):
        choice = {"index": 0, "text": text, "logprobs": {"content": [token]}, "finish_reason": finish}
        return Frame("", json.dumps({"object": "text_completion", "choices": [choice]}).encode())

    answer = folded(part("a", 1), part("b", 2, "length"), DONE)

    assert answer["object"] == "text_completion"
    assert answer["choices"] == [
        {"index": 0, "text": "ab", "logprobs": {"content": [1, 2]}, "finish_reason": "length"}
    ]


def test_the_nothing_between_the_answers_to_several_prompts_is_passed_over():
    nothing = Frame("", b"null")

    answer = folded(chunk({"content": "a"}), nothing, chunk({"content": "b"}, index=1), DONE)

    assert [choice["message"]["content"] for choice in answer["choices"]] == ["a", "b"]
    assert Stream(None).pass_on(nothing) == b""


def test_native_tool_calls_fold_by_their_index():
    answer = folded(
        chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
        chunk(finish="tool_calls"),
        DONE,
    )

    calls = answer["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]) for call in calls] == [
        ("a", {"name": "f", "arguments": "{}"}),
        ("b", {"name": "g", "arguments": "{}"}),
    ]


def test_a_forced_call_is_a_tool_call_in_the_whole_answer():
    frames = [chunk({"role": "assistant", "content": None}), chunk({"content": '{"name":"g","argu'})]
    frames += [chunk({"content": 'ments":{"a":"}"}}'}), chunk(finish="stop"), DONE]

    choice = folded(*frames, forced=forced("f", "g"))["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "call_x", "type": "function", "function": {"name": "g", "arguments": '{"a":"}"}'}}
    ]


def test_a_forced_call_that_was_cut_by_the_limit_says_so():
    frames = [chunk({"content": '{"a": '}), chunk(finish="length"), DONE]

    choice = folded(*frames, forced=forced("f"))["choices"][0]

    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"a": '


def test_a_stream_without_an_end_is_never_taken_for_a_whole_one():
    with pytest.raises(TruncatedError):
        folded(chunk({"content": "Hel"}), chunk(finish="stop"))


def test_an_error_in_the_stream_is_kept():
    fold = Fold(None)
    stream = Stream(None)
    error = Frame("", b'{"error":{"code":500,"message":"no room"}}')

    fold.add(error)

    assert fold.error["error"]["message"] == "no room"
    assert b"no room" in stream.pass_on(error)
    assert stream.over

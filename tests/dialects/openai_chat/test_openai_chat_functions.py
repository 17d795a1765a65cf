"""Clients that declare the deprecated `functions`, and read `function_call` in every answer."""

import json

import pytest
from msgspec import structs

from dialects.laws import ASKED, assert_request_identity, frames_of, rendered
from pointsman.canon.blocks import Text, ToolCall
from pointsman.canon.events import ArgumentsDelta, BlockEnd, BlockStart, MessageEnd, MessageStart, Stop
from pointsman.canon.traits import Target
from pointsman.dialects.anthropic import DIALECT as ANTHROPIC
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT
from schemas_chat import assert_completion, assert_stream

FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {}}}
BODY = {"model": "m", "messages": [{"role": "user", "content": "?"}], "functions": [FUNCTION]}
LEGACY = structs.replace(ASKED, call_form="function_call", include_usage=False)


def answer(*arguments, reason="tool_use"):
    """A foreign answer that says something and then makes a call for each of the arguments."""
    events = [MessageStart(id="x"), BlockStart(0, Text("Let me see.")), BlockEnd(0)]
    for index, text in enumerate(arguments, 1):
        events += [BlockStart(index, ToolCall(f"id{index}", "look")), ArgumentsDelta(index, text)]
        events += [BlockEnd(index)]
    return [*events, Stop(reason), MessageEnd()]


def deltas(events):
    choices = [
        each["choices"][0] for _, each in frames_of(rendered(DIALECT, events, LEGACY)) if each != "[DONE]"
    ]
    return [choice["delta"] for choice in choices], choices[-1]["finish_reason"]


@pytest.mark.parametrize("arguments", ['{"town":"Ulm"}', ""])
def test_a_whole_answer_has_the_call_where_the_client_reads_it(arguments):
    (choice,) = DIALECT.fold(gather(answer(arguments)), LEGACY)["choices"]

    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["content"] == "Let me see."
    assert choice["message"]["function_call"] == {"name": "look", "arguments": arguments or "{}"}
    assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize("arguments", ['{"town":"Ulm"}', ""])
def test_a_stream_has_the_call_where_the_client_reads_it(arguments):
    said, finish = deltas(answer(arguments))
    parts = [delta["function_call"] for delta in said if "function_call" in delta]

    assert finish == "function_call"
    assert parts[0]["name"] == "look"
    assert "".join(part["arguments"] for part in parts) == (arguments or "{}")
    assert not any("tool_calls" in delta for delta in said)


def test_an_answer_without_a_call_ends_as_any_other():
    assert deltas(answer(reason="end"))[1] == "stop"
    assert DIALECT.fold(gather(answer(reason="end")), LEGACY)["choices"][0]["finish_reason"] == "stop"


def test_further_calls_have_no_place_and_are_named():
    events = answer('{"a":1}', '{"b":2}')
    encoder = DIALECT.encoder(LEGACY)
    for event in events:
        encoder.encode(event)
    parts = [delta["function_call"] for delta in deltas(events)[0] if "function_call" in delta]

    assert "".join(part["arguments"] for part in parts) == '{"a":1}'
    assert [loss.what for loss in encoder.losses()] == ["tool_calls"]
    assert [loss.what for loss in DIALECT.fold_losses(gather(events), LEGACY)] == ["tool_calls"]


def test_clients_of_tools_lose_none_of_their_calls():
    events = answer('{"a":1}', '{"b":2}')
    encoder = DIALECT.encoder(ASKED)
    for event in events:
        encoder.encode(event)

    assert encoder.losses() == DIALECT.fold_losses(gather(events), ASKED) == ()


def test_one_call_is_asked_for_where_the_client_reads_one():
    request = DIALECT.decode_request(BODY)
    encoded = ANTHROPIC.encode_request(request, Target("claude", "them"))

    assert request.call_form == "function_call"
    assert encoded.body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert_request_identity(DIALECT, BODY)


def test_tools_beside_functions_are_read_as_tools():
    tool = {"type": "function", "function": {**FUNCTION, "name": "hear"}}
    request = DIALECT.decode_request({**BODY, "tools": [tool]})

    assert (request.call_form, request.parallel_tool_calls) == ("", None)


def test_a_conversation_of_functions_reaches_another_dialect_and_goes_on():
    called = {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}}
    told = {"role": "function", "name": "look", "content": json.dumps({"sky": "blue"})}
    body = {**BODY, "messages": [*BODY["messages"], called, told, called, told]}
    encoded = ANTHROPIC.encode_request(DIALECT.decode_request(body), Target("claude", "them"))

    uses = [block for turn in encoded.body["messages"][1:] for block in turn["content"]]
    assert [block["type"] for block in uses] == ["tool_use", "tool_result"] * 2
    assert uses[0]["id"] == uses[1]["tool_use_id"] != uses[2]["id"] == uses[3]["tool_use_id"]


def test_both_forms_follow_the_public_schema():
    events = answer('{"town":"Ulm"}')

    assert_completion(DIALECT.fold(gather(events), LEGACY))
    assert_stream(rendered(DIALECT, events, LEGACY))

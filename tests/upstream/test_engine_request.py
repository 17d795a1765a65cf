"""Requests as the engine gets them."""

import pytest

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.upstream.engine_request import chat_request, text_request

TOOL = {"type": "function", "function": {"name": "now", "description": "the time"}}
HELLO = [{"role": "user", "content": "hello"}]


def test_the_engine_always_streams_and_tells_its_progress():
    whole = chat_request({"messages": HELLO}, knows_tools=False)
    streamed = chat_request({"messages": HELLO, "stream": True}, knows_tools=False)
    text = text_request({"prompt": "Once"})

    assert whole.body["stream"] is streamed.body["stream"] is text.body["stream"] is True
    assert whole.body["return_progress"] is text.body["return_progress"] is True
    assert (whole.streaming, streamed.streaming, text.streaming) == (False, True, False)
    assert whole.body["stream_options"] == {"include_usage": True}
    assert "stream_options" not in streamed.body


def test_tools_that_nothing_forces_are_dropped_and_reported():
    asked = chat_request({"messages": HELLO, "tools": [TOOL], "tool_choice": "auto"}, knows_tools=False)

    assert "tools" not in asked.body
    assert "tool_choice" not in asked.body
    assert [(loss.kind, loss.what) for loss in asked.losses] == [
        ("dropped", "tools"),
        ("dropped", "tool_choice"),
    ]


def test_a_request_that_wants_no_tools_loses_nothing():
    asked = chat_request({"messages": HELLO, "tools": [], "tool_choice": "none"}, knows_tools=False)

    assert asked.losses == ()


def test_a_template_that_knows_tools_gets_them():
    asked = chat_request({"messages": HELLO, "tools": [TOOL], "tool_choice": "auto"}, knows_tools=True)

    assert asked.body["tools"] == [TOOL]
    assert asked.losses == ()


def test_a_forced_tool_becomes_the_form_of_the_answer():
    request = {"messages": HELLO, "tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}

    asked = chat_request(request, knows_tools=False)

    assert asked.forced.only == "now"
    assert asked.body["response_format"]["json_schema"]["schema"]["type"] == "object"
    assert {"tools", "tool_choice", "parallel_tool_calls"}.isdisjoint(asked.body)
    assert "the time" in asked.body["messages"][0]["content"]
    assert asked.body["messages"][1:] == HELLO
    assert asked.losses == ()
    assert request["tool_choice"] == "required"


def test_the_instruction_for_a_tool_joins_the_system_prompt():
    system = {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}

    asked = chat_request(
        {"messages": [system, *HELLO], "tools": [TOOL], "tool_choice": "required"}, knows_tools=False
    )

    assert asked.body["messages"][0]["role"] == "system"
    assert asked.body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with a function call")


def test_calls_and_results_of_the_history_stay_as_text():
    call = {"id": "1", "type": "function", "function": {"name": "now", "arguments": '{"zone":"utc"}'}}
    history = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "noon"}]}

    asked = chat_request({"messages": [*history, result]}, knows_tools=False)

    _, said, told = asked.body["messages"]
    assert said["role"] == "assistant"
    assert "now" in said["content"]
    assert "utc" in said["content"]
    assert told == {"role": "user", "content": "Result of the function call: noon"}


def test_a_schema_is_put_into_the_words_of_the_grammar():
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": r"^\d$"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    asked = chat_request({"messages": HELLO, "response_format": form}, knows_tools=False)

    kept = asked.body["response_format"]["json_schema"]
    assert kept["name"] == "x"
    assert kept["schema"]["properties"]["a"]["pattern"] == "^[0-9]$"


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_what_is_not_text_is_refused_with_its_place(kind):
    messages = [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": kind, kind: {}}]}]

    with pytest.raises(UnsupportedError, match=kind) as caught:
        chat_request({"messages": messages}, knows_tools=False)

    assert caught.value.param == "messages[0].content[1]"


@pytest.mark.parametrize(
    "messages", [None, "x", [], [7], [{"role": "zork", "content": "x"}], [{"role": "user", "content": [3]}]]
)
def test_messages_that_are_none_are_refused(messages):
    with pytest.raises(MalformedError, match="messages"):
        chat_request({"messages": messages}, knows_tools=False)


@pytest.mark.parametrize("schema", [False, [], "x", 5])
def test_a_schema_that_is_no_object_is_refused(schema):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    with pytest.raises(MalformedError, match="`response_format` is no object"):
        chat_request({"messages": HELLO, "response_format": form}, knows_tools=False)

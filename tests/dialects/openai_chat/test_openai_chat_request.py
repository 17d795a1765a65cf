"""Requests of Chat clients: what they mean, and what is wrong with bad ones."""

import json
from pathlib import Path

import pytest

from pointsman.canon.blocks import (
    Base64Source,
    CacheMark,
    Document,
    Image,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from pointsman.canon.errors import MalformedError
from pointsman.dialects.openai_chat import DIALECT

CORPUS = Path(__file__).parents[2] / "corpus" / "openai_chat" / "requests"


def read(name):
    return DIALECT.decode_request(json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8")))


def decode(**fields):
    return DIALECT.decode_request({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields})


def test_a_tool_message_of_parts_holds_text_and_pictures():
    request = read("qwen")

    (result,) = request.messages[2].content
    assert isinstance(result, ToolResult)
    assert [type(block) for block in result.content] == [Text, Image]
    assert [type(block) for block in request.messages[1].content] == [Thinking, ToolCall]
    assert (request.reasoning.mode, request.reasoning.budget) == ("on", 4096)
    assert request.system[0].content[0].cache == CacheMark()


def test_leading_instructions_stand_apart_and_later_ones_in_their_place():
    request = read("media")

    assert request.system == ()
    assert request.messages[3].role == "system"
    assert read("sampling").system[0].role == "developer"


def test_media_become_blocks():
    blocks = read("media").messages[0].content

    assert isinstance(blocks[5], Document)
    assert isinstance(blocks[5].source, Base64Source)
    assert blocks[5].title == "a.pdf"
    assert blocks[0].cache.ttl == "30m"


def test_deprecated_functions_are_tools():
    request = read("legacy")

    call, result = request.messages[1].content[0], request.messages[2].content[0]
    assert request.tools[0].name == "get_weather"
    assert (request.tool_choice.mode, request.tool_choice.name) == ("tool", "get_weather")
    assert call.id == result.call_id


@pytest.mark.parametrize(
    ("fields", "mode", "effort", "budget"),
    [
        ({"reasoning_effort": "none"}, "off", "none", None),
        ({"reasoning_effort": "high"}, "unset", "high", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "on", None, 5),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, "off", "low", None),
        ({"reasoning": {"max_tokens": 7}}, "unset", None, 7),
        ({"reasoning": {"enabled": False}}, "off", None, None),
        ({"enable_thinking": True}, "on", None, None),
    ],
)
def test_thinking_is_understood_in_every_spelling(fields, mode, effort, budget):
    reasoning = decode(**fields).reasoning

    assert (reasoning.mode, reasoning.effort, reasoning.budget) == (mode, effort, budget)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "hi"}, "messages"),
        ({"model": "m", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"model": 5, "messages": [{"role": "user", "content": "x"}]}, "model"),
    ],
)
def test_a_bad_body_is_named_by_its_path(body, param):
    with pytest.raises(MalformedError) as caught:
        DIALECT.decode_request(body)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": "many"}, "max_tokens"),
        ({"temperature": True}, "temperature"),
        ({"stop": {"a": 1}}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": {"type": "odd"}}, "tool_choice.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"stream_options": []}, "stream_options"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(fields, param):
    with pytest.raises(MalformedError) as caught:
        decode(**fields)

    assert caught.value.param == param

"""Requests for a target that takes a narrower shape than the Responses API has: a plan's own requests."""

import json

import pytest

from pointsman.canon.blocks import Text
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.request import Message, Request, Tool
from pointsman.canon.traits import Target, Traits
from pointsman.config import shipped
from pointsman.dialects.openai_responses import DIALECT

NARROW = Traits(streams_only=True, text_input=False, system_items=False, lone_tools=False)
FUNCTION = {"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False}
CUSTOM = {"type": "custom", "name": "apply_patch"}
SPACE = {"type": "namespace", "name": "math", "description": "d", "tools": [FUNCTION]}
USER = {"type": "message", "role": "user", "content": "x"}


def sent(body, traits=NARROW):
    request = DIALECT.decode_request({"model": "m", "stream": True, **body})
    return DIALECT.encode_request(request, Target("m", "maker", traits))


def reason(body, traits=NARROW):
    whole = {"model": "m", "stream": True, **body}
    return DIALECT.rewrite_reason(whole, json.dumps(whole).encode(), traits)


def foreign(*messages, **fields):
    said = messages or (Message("user", (Text("x"),)),)
    request = Request("elsewhere", "m", said, stream=True, **fields)
    return DIALECT.encode_request(request, Target("m", "maker", NARROW))


def test_a_request_of_that_shape_is_relayed():
    assert reason({"input": [USER], "tools": [SPACE, {"type": "web_search"}]}) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": [USER], "stream": False}, "streams alone"),
        ({"input": "x"}, "no plain text"),
        ({"input": [{"role": "system", "content": "x"}]}, "no messages of the system"),
        ({"input": [USER], "tools": [FUNCTION]}, "tools in groups"),
        ({"input": [USER], "tools": [CUSTOM]}, "tools in groups"),
    ],
)
def test_a_request_of_another_shape_is_not(body, words):
    assert words in reason(body)
    assert reason(body, Traits()) is None


def test_a_request_without_a_stream_is_refused_with_what_to_do():
    with pytest.raises(UnsupportedError, match="answers with streams alone here: ask for one"):
        sent({"input": [USER], "stream": False})


def test_a_text_becomes_an_item():
    encoded = sent({"input": "Hello"})

    content = [{"type": "input_text", "text": "Hello"}]
    assert encoded.body["input"] == [{"type": "message", "role": "user", "content": content}]
    assert encoded.losses == ()


def test_a_message_of_the_systems_becomes_the_developers_and_others_stay():
    items = [{"role": "system", "content": "Be brief."}, USER, {"type": "item_reference", "id": "i"}]

    encoded = sent({"input": items})

    assert encoded.body["input"] == [{"role": "developer", "content": "Be brief."}, *items[1:]]


def test_lone_tools_go_along_as_an_item_and_groups_stay():
    encoded = sent({"input": [USER], "tools": [FUNCTION, SPACE, CUSTOM, {"type": "web_search"}]})

    item = {"type": "additional_tools", "role": "developer", "tools": [FUNCTION, CUSTOM]}
    assert encoded.body["input"] == [item, USER]
    assert encoded.body["tools"] == [SPACE, {"type": "web_search"}]
    assert encoded.losses == ()


def test_a_function_that_goes_along_has_all_its_members():
    encoded = sent({"input": [USER], "tools": [{"type": "function", "name": "now"}]})

    (function,) = encoded.body["input"][0]["tools"]
    assert function == {"type": "function", "name": "now", "parameters": None, "strict": None}
    assert "tools" not in encoded.body


def test_a_client_of_another_dialect_is_given_the_same_shape():
    system = (Message("system", (Text("a"),)), Message("system", (Text("b"),)))
    tool = Tool("now", schema={"type": "object", "properties": {}})

    body = foreign(system=system, tools=(tool,)).body

    first, second, third = body["input"]
    assert first["type"] == "additional_tools"
    assert [each["name"] for each in first["tools"]] == ["now"]
    assert (second["role"], third["role"]) == ("developer", "user")
    assert body["store"] is False


def test_what_a_plan_does_not_take_is_left_out_and_reported():
    row = shipped.providers()["chatgpt"]
    traits = Traits(**row.dialect_traits["openai_responses"])
    limits = {"max_output_tokens": 99, "temperature": 1, "top_p": 1, "truncation": "auto", "top_logprobs": 2}
    labels = {"metadata": {"a": "b"}, "user": "u", "safety_identifier": "s"}

    encoded = sent({"input": [USER], "store": True, **limits, **labels}, traits)

    assert encoded.body.keys() == {"model", "input", "stream", "store"}
    assert encoded.body["store"] is False
    lost = {loss.what for loss in encoded.losses}
    assert {"max_tokens", "temperature", "top_p", "truncation", "top_logprobs", "metadata", "user"} <= lost

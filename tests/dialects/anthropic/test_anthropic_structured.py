"""Schemas that the target must be able to hold an answer to, on their way from another dialect."""

import pytest

from pointsman.canon.blocks import Text
from pointsman.canon.request import Message, OutputFormat, Request, Tool
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.anthropic import DIALECT

GRAMMAR = Traits(schema_subset="grammar")
AGE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}
FITTED = {"type": "object", "properties": {"age": {"type": "integer"}}, "additionalProperties": False}


def encode(dialect="elsewhere", traits=GRAMMAR, **fields):
    request = Request(dialect, "m", (Message("user", (Text("hi"),)),), max_tokens=9, **fields)
    return DIALECT.encode_request(request, Target("claude", "them", traits))


def lost(encoded):
    return [(loss.kind, loss.what) for loss in encoded.losses]


def test_a_schema_is_cut_down_to_what_the_target_takes():
    encoded = encode(output_format=OutputFormat("json_schema", AGE))

    assert encoded.body["output_config"]["format"] == {"type": "json_schema", "schema": FITTED}
    assert lost(encoded) == [("approximated", "response_format.schema")]


def test_a_schema_that_fits_is_sent_as_it_is():
    encoded = encode(output_format=OutputFormat("json_schema", FITTED))

    assert encoded.body["output_config"]["format"]["schema"] is FITTED
    assert lost(encoded) == []


def test_clients_of_the_dialect_are_told_by_the_provider_itself():
    encoded = encode(DIALECT.name, output_format=OutputFormat("json_schema", AGE))

    assert encoded.body["output_config"]["format"]["schema"] is AGE


@pytest.mark.parametrize(
    ("strict", "strict_tools", "sent"),
    [(True, True, FITTED), (None, True, AGE), (False, True, AGE), (True, False, AGE)],
)
def test_a_tool_is_cut_down_only_if_it_is_held_to_its_schema(strict, strict_tools, sent):
    traits = Traits(schema_subset="grammar", strict_tools=strict_tools)
    encoded = encode(traits=traits, tools=(Tool("f", schema=AGE, strict=strict),))

    assert encoded.body["tools"][0]["input_schema"] == sent
    assert (("approximated", "tools[0].schema") in lost(encoded)) is (sent is FITTED)

"""Forced tool calls through a grammar: what the engine is asked, and how its text becomes a call."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.upstream.engine_tools import CallWriter, forced_tools


def function(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


WEATHER = function("get_weather", city={"type": "string"})
ADD = function("add", a={"type": "integer"}, b={"type": "integer"})


def names(choice, tools=(WEATHER, ADD)):
    forced = forced_tools({"tools": list(tools), "tool_choice": choice})
    return None if forced is None else [tool.name for tool in forced.tools]


def test_every_form_of_tool_choice_forces_the_tools_that_it_names():
    named = {"type": "function", "function": {"name": "add"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    suggested = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}

    assert names("required") == ["get_weather", "add"]
    assert names(named) == ["add"]
    assert names(allowed) == ["add"]
    assert names(suggested) is None
    assert names("auto") is None
    assert names("none") is None
    assert names(None) is None


def test_a_choice_that_names_no_function_of_the_request_is_refused():
    with pytest.raises(UnsupportedError, match="no such function"):
        names({"type": "function", "function": {"name": "nope"}})
    with pytest.raises(UnsupportedError):
        names("required", tools=[{"type": "custom", "custom": {"name": "free"}}])
    with pytest.raises(MalformedError, match="tool_choice"):
        names(7)


def test_one_tool_is_its_own_schema():
    forced = forced_tools({"tools": [WEATHER], "tool_choice": "required"})

    assert forced.only == "get_weather"
    assert forced.schema() == WEATHER["function"]["parameters"]


def test_a_tool_without_parameters_gets_an_empty_object_and_not_any_object():
    forced = forced_tools({"tools": [function("now")], "tool_choice": "required"})

    assert forced.schema()["additionalProperties"] is False


def test_among_several_tools_references_still_point_into_their_own_schema():
    unit = {"$ref": "#/$defs/Unit"}
    tool = function("measure", unit=unit, note={"const": {"$ref": "#/stays"}})
    tool["function"]["parameters"]["$defs"] = {"Unit": {"enum": ["m", "km"]}}

    schema = forced_tools({"tools": [WEATHER, tool], "tool_choice": "required"}).schema()

    moved = schema["$defs"]["tool1"]
    assert moved["properties"]["unit"] == {"$ref": "#/$defs/tool1/$defs/Unit"}
    assert moved["properties"]["note"] == {"const": {"$ref": "#/stays"}}
    assert schema["anyOf"][1]["properties"]["arguments"] == {"$ref": "#/$defs/tool1"}


def pieces_of(text, cuts):
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(places)]


def written(writer, pieces):
    deltas = [delta for piece in pieces for delta in writer.write(piece)]
    arguments = "".join(delta["function"]["arguments"] for delta in deltas)
    return deltas[0], arguments


JSON_TEXT = st.dictionaries(
    st.text(max_size=4),
    st.recursive(st.text(max_size=6), lambda inner: st.dictionaries(st.text(max_size=3), inner)),
).map(json.dumps)


@given(arguments=JSON_TEXT, name=st.sampled_from(["get_weather", 'a"b\\c']), cuts=st.lists(st.integers(0)))
def test_a_call_among_several_tools_is_cut_out_of_the_text_however_it_arrives(arguments, name, cuts):
    forced = forced_tools({"tools": [function(name), ADD], "tool_choice": "required"})
    text = f'{{\n  "name": {json.dumps(name)},"arguments" : {arguments}\n }}'

    first, received = written(CallWriter(forced, "call_1"), pieces_of(text, cuts))

    assert (first["id"], first["type"], first["function"]["name"]) == ("call_1", "function", name)
    assert received == arguments


@given(arguments=JSON_TEXT, cuts=st.lists(st.integers(0)))
def test_the_only_tool_gets_the_text_as_its_arguments(arguments, cuts):
    forced = forced_tools({"tools": [WEATHER], "tool_choice": "required"})

    first, received = written(CallWriter(forced, "call_1"), pieces_of(f" \n{arguments}\n", cuts))

    assert first["function"]["name"] == "get_weather"
    assert received == arguments


def test_a_call_cut_before_its_name_is_complete_is_no_call():
    forced = forced_tools({"tools": [WEATHER, ADD], "tool_choice": "required"})
    writer = CallWriter(forced, "call_1")

    deltas = list(writer.write('{"name": "get_wea'))

    assert deltas == []
    assert not writer.begun

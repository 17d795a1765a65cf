"""JSON Schemas for providers that take a part of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.dialects.schema import fit, fit_tool, is_strict

NODE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": ["string", "null"]}},
        }
    },
    "properties": {
        "title": {"type": "string", "title": "T", "format": "email"},
        "format": {"anyOf": [{"type": "null"}, {"type": "integer", "exclusiveMinimum": 0}]},
        "$ref": {"const": "x"},
        "list": {"type": "array", "items": {"$ref": "#/$defs/node"}},
    },
    "required": ["title"],
    "additionalProperties": False,
}


def keywords(schema, found=None):
    found = set() if found is None else found
    for key, value in schema.items():
        found.add(key)
        if key == "properties":
            for each in value.values():
                keywords(each, found)
        elif key == "items":
            keywords(value, found)
    return found


def test_a_full_subset_is_the_very_same_schema():
    assert fit(NODE, "full") is NODE


def test_properties_named_like_keywords_stay():
    for subset in ("plain", "openapi"):
        assert set(fit(NODE, subset)["properties"]) == {"title", "format", "$ref", "list"}


def test_plain_has_no_references_combinators_or_formats():
    plain = fit(NODE, "plain")

    assert not keywords(plain) & {"$ref", "$defs", "$schema", "anyOf", "format", "exclusiveMinimum", "const"}
    assert plain["properties"]["format"] == {"type": "integer"}
    assert plain["properties"]["list"]["items"]["properties"]["v"] == {"type": "string"}
    assert plain["properties"]["list"]["items"]["properties"]["next"] == {"type": "object"}


def test_openapi_says_null_in_its_own_way():
    items = fit(NODE, "openapi")["properties"]["list"]["items"]

    assert items["properties"]["v"] == {"type": "string", "nullable": True}


def test_a_schema_is_strict_only_if_every_object_is_closed():
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }

    assert is_strict(closed)
    assert not is_strict({**closed, "required": []})
    assert not is_strict({**closed, "properties": {"a": {"type": "object"}}})


EITHER = [{"type": "string"}, {"type": "object"}]
BOUNDED = {
    "type": "object",
    "properties": {
        "age": {"type": "integer", "minimum": 0, "maximum": 150, "description": "Years."},
        "minimum": {"type": ["string", "null"], "maxLength": 5, "format": "email", "pattern": "^a+$"},
        "tags": {
            "type": "array",
            "items": {"oneOf": [{"type": "string"}, {"type": "object"}]},
            "minItems": 2,
        },
        "node": {"$ref": "#/$defs/node"},
    },
    "required": ["age"],
    "$defs": {"node": {"properties": {"a": {"pattern": "(?=x)", "format": "regex", "enum": [1]}}}},
}


def test_a_grammar_has_closed_objects_and_no_bounds():
    fitted = fit(BOUNDED, "grammar")

    shut = {"type": "object", "additionalProperties": False}
    assert fitted == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years."},
            "minimum": {"type": ["string", "null"], "format": "email", "pattern": "^a+$"},
            "tags": {"type": "array", "items": {"anyOf": [{"type": "string"}, shut]}},
            "node": {"$ref": "#/$defs/node"},
        },
        "required": ["age"],
        "$defs": {"node": {"properties": {"a": {"enum": [1]}}, "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert fit(fitted, "grammar") is fitted


def test_a_tool_that_is_not_held_to_its_schema_keeps_it_whole():
    assert fit_tool(BOUNDED, "grammar", strict=False) is BOUNDED
    assert fit_tool(BOUNDED, "grammar", strict=True) == fit(BOUNDED, "grammar")


words = st.sampled_from(
    ["type", "title", "$ref", "anyOf", "allOf", "items", "properties", "required", "format", "a"]
)
values = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["string", "#/properties/a", "#", "object"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


def test_a_schema_that_is_its_own_branch_ends():
    assert fit({"anyOf": [{"$ref": "#"}], "type": "object"}, "plain") == {"type": "object"}


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(words, values, max_size=4), st.sampled_from(["plain", "openapi", "grammar"]))
def test_no_schema_however_odd_breaks_it(schema, subset):
    assert isinstance(fit(schema, subset), dict)
    assert is_strict(schema) in {True, False}


@pytest.mark.parametrize("subset", ["openapi", "plain"])
def test_what_is_required_and_not_there_is_not_asked_for(subset):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "gone"]}

    assert fit(schema, subset)["required"] == ["a"]


def test_only_an_object_is_strict_at_the_root():
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

    assert is_strict(closed)
    assert not is_strict({"type": "array", "items": closed})
    assert not is_strict({"type": "string", "enum": ["a"]})

"""Schemas in the words of the engine's grammar."""

import re

import pytest

from pointsman.upstream.engine_schema import fitted, portable


@pytest.mark.parametrize(
    ("pattern", "text", "other"),
    [
        (r"^\d{3}-\w+$", "123-ab", "12-ab"),
        (r"^[\d_]+$", "1_2", "a"),
        ("b", "abc", "ac"),
        (r"^a\/b$", "a/b", "ab"),
        (r"^(?:a|b)$", "a", "c"),
        ("^x|y$", "x", "z"),
        (r"cost\$", "cost$ 3", "cost"),
    ],
)
def test_a_pattern_keeps_its_meaning_and_is_anchored(pattern, text, other):
    said = portable(pattern)

    assert said[0] == "^"
    assert said[-1] == "$"
    assert not re.search(r"\\[dwsDWS/]", said)
    assert re.fullmatch(said, text)
    assert not re.fullmatch(said, other)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(?=a)a$",
        r"^a\b$",
        r"^(a)\1$",
        r"^(?P<n>a)$",
        "^[",
        r"^[^\D]$",
        "a^b",
        "(" * 500 + ")" * 500,
        "a{99999999999}",
    ],
)
def test_a_pattern_that_the_grammar_cannot_say_has_no_counterpart(pattern):
    assert portable(pattern) is None


def test_what_the_grammar_passes_over_is_reported_with_its_place():
    schema = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "pattern": r"^a\b$"},
            "tags": {"type": "array", "uniqueItems": True, "items": True},
        },
        "$defs": {
            "Code": {"anyOf": [{"type": "string", "pattern": r"^\d$"}, {"type": "integer", "multipleOf": 2}]}
        },
        "additionalProperties": False,
    }

    fit, losses = fitted(schema, "response_format")

    assert {loss.what for loss in losses} == {
        "response_format.properties.pattern.pattern",
        "response_format.properties.tags.uniqueItems",
        "response_format.$defs.Code.anyOf.multipleOf",
    }
    assert fit["properties"] == {"pattern": {"type": "string"}, "tags": {"type": "array", "items": {}}}
    assert fit["$defs"]["Code"]["anyOf"][0]["pattern"] == "^[0-9]$"
    assert fit["additionalProperties"] is False


def test_a_schema_that_the_grammar_can_say_stays_as_it_is():
    schema = {"type": "object", "properties": {"a": {"enum": [True, {"not": 1}]}}, "required": ["a"]}

    assert fitted(schema, "tools") == (schema, ())

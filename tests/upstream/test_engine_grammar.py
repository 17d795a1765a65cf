"""Grammars for schemas: which forms are tried, and what an engine without them is spared."""

import pytest

from pointsman.canon.errors import UnsupportedError
from pointsman.upstream.engine_grammar import check_enums, forms, taken, trial, with_grammar
from pointsman.upstream.engine_request import AnswerSchema, chat_request
from pointsman.wire.json import decode_object

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def asked(schema):
    request = {
        "messages": [{"role": "user", "content": "Hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }
    return chat_request(request, knows_tools=False)


def schemas(given):
    """The schemas of the forms, without what is told to the grammar beside them."""
    for grammar, _ in forms(AnswerSchema(given, "response_format", ())):
        schema = decode_object(grammar.partition("%json ")[2].encode())
        yield {key: value for key, value in schema.items() if key != "x-guidance"}


def test_an_object_gets_no_members_that_nobody_described():
    assert list(schemas(PLACE)) == [{**PLACE, "additionalProperties": False}]
    assert list(schemas({**PLACE, "additionalProperties": {}})) == [{**PLACE, "additionalProperties": {}}]


def test_parts_of_an_allof_stay_open_else_they_would_exclude_each_other():
    schema = {"allOf": [PLACE, {"properties": {"zip": {"type": "string"}}}]}

    assert list(schemas(schema)) == [schema]


def test_values_are_no_schemas():
    schema = {"enum": [{"properties": {"a": 1}}]}

    assert list(schemas(schema)) == [schema]


def test_what_is_not_known_is_left_out_at_the_second_attempt_and_reported_only_then():
    request = asked({"type": "array", "uniqueItems": True})
    (exact, none), (rest, losses) = forms(request.schema)

    assert "uniqueItems" in exact
    assert "uniqueItems" not in rest
    assert [loss.what for loss in losses] == ["response_format.uniqueItems"]
    assert with_grammar(request, exact, none).losses == ()
    assert with_grammar(request, rest, losses).losses == losses
    assert "response_format" not in with_grammar(request, exact, none).body


def test_a_schema_that_only_refers_to_itself_has_no_form():
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}

    assert not list(schemas(circle))
    assert not list(schemas({"$ref": "#"}))
    assert list(schemas(tree))


def test_a_trial_is_passed_by_the_mark_and_something_after_it():
    marked = trial('%llguidance {}\nstart: %json {"x": "start: "}')["grammar"]
    mark = marked.split('"')[1]

    assert marked == f'%llguidance {{}}\nstart: "{mark}" %json {{"x": "start: "}}'
    assert taken({"content": mark + "{"})
    assert not taken({"content": mark})
    assert not taken({"content": "Hello"})
    assert not taken({"error": {"message": "no"}})


def test_without_such_grammars_a_list_that_would_stop_the_engine_is_refused():
    check_enums(AnswerSchema({"enum": list(range(1000))}, "tools", ()))

    with pytest.raises(UnsupportedError, match="more than 1000 values"):
        check_enums(AnswerSchema({"items": [{"enum": list(range(1001))}]}, "tools", ()))

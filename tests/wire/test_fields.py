"""Reading decoded JSON with types."""

import pytest

from pointsman.canon.errors import MalformedError
from pointsman.wire.fields import (
    Fields,
    as_array,
    as_boolean,
    as_integer,
    as_number,
    as_object,
    as_text,
    wrong,
)

READERS = {
    as_object: ({"a": 1}, "an object"),
    as_array: ([1], "an array"),
    as_text: ("x", "a string"),
    as_integer: (3, "a whole number"),
    as_number: (1.5, "a number"),
    as_boolean: (False, "true or false"),
}
KINDS = {"object": {"a": 1}, "array": [1], "text": "x", "integer": 3, "number": 1.5, "boolean": False}


@pytest.mark.parametrize("reader", READERS)
def test_a_value_of_the_right_type_is_given_back(reader):
    value, _ = READERS[reader]

    assert reader(value, "here") == value


@pytest.mark.parametrize("reader", READERS)
def test_a_value_of_another_type_is_named_by_its_path(reader):
    with pytest.raises(MalformedError, match=f"`a.b` must be {READERS[reader][1]}, not null") as caught:
        reader(None, "a.b")

    assert caught.value.param == "a.b"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, "an object"),
        ([], "an array"),
        ("", "a string"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        (None, "null"),
        (b"", "bytes"),
    ],
)
def test_the_error_says_what_stands_there(value, found):
    assert wrong("x", "a thing", value).message == f"`x` must be a thing, not {found}"


def test_a_whole_number_may_be_spelled_with_a_point_and_keeps_its_type():
    assert as_integer(2.0, "x") == 2
    assert isinstance(as_integer(2.0, "x"), int)
    assert isinstance(as_number(2, "x"), int)


@pytest.mark.parametrize("value", [1.5, True, "1", float("inf"), float("nan")])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(MalformedError):
        as_integer(value, "x")


def test_a_boolean_is_no_number():
    with pytest.raises(MalformedError):
        as_number(True, "x")


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_is_taken_by_its_type_and_leaves_the_rest(kind):
    fields = Fields({"a": KINDS[kind], "b": None, "c": 1})

    assert getattr(fields, kind)("a") == KINDS[kind]
    assert fields.rest == {"b": None, "c": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_is_absent_or_null_is_none_and_null_stays(kind):
    fields = Fields({"b": None})

    assert getattr(fields, kind)("a") is None
    assert getattr(fields, kind)("b") is None
    assert fields.rest == {"b": None}


@pytest.mark.parametrize(("path", "expected"), [("", "a"), ("messages[0]", "messages[0].a")])
def test_a_member_of_the_wrong_type_is_named_with_the_path_of_its_object(path, expected):
    with pytest.raises(MalformedError) as caught:
        Fields({"a": object()}, path).text("a")

    assert caught.value.param == expected


@pytest.mark.parametrize("value", [{}, {"a": None}])
def test_a_text_that_must_be_there_is_missed(value):
    with pytest.raises(MalformedError, match="`a` is required"):
        Fields(value).required_text("a")


def test_a_text_that_must_be_there_is_taken():
    assert Fields({"a": ""}).required_text("a") == ""


def test_fields_of_something_that_is_no_object_are_refused():
    with pytest.raises(MalformedError, match="`body` must be an object"):
        Fields([])


def test_taking_does_not_change_what_was_read():
    value = {"a": "x"}
    Fields(value).text("a")

    assert value == {"a": "x"}

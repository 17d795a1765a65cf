"""The shape of a request, seen without decoding it."""

import json

import pytest

from pointsman.canon.errors import MalformedError
from pointsman.wire.json import peek
from pointsman.wire.shape import check_kinds, check_turns

ROLES = ("user", "assistant")
USER = {"role": "user", "content": "x"}


def check(turns):
    body = json.dumps({"model": "m", "turns": turns}).encode()
    check_turns(body, peek(body).members, "turns", ROLES)


@pytest.mark.parametrize(
    "turn",
    [
        USER,
        {"role": "user"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": []},
        {"role": "user", "content": [{"type": "something new"}]},
        {"content": 'a "quoted" \ud83d word\n', "role": "user", "new": {"deep": [1]}},
    ],
)
def test_turns_that_a_reader_may_take_pass(turn):
    check([USER, turn])


@pytest.mark.parametrize(
    ("turn", "param"),
    [
        (3, "turns[1]"),
        ("hello", "turns[1]"),
        (None, "turns[1]"),
        ({"content": "x"}, "turns[1].role"),
        ({"role": None, "content": "x"}, "turns[1].role"),
        ({"role": 5, "content": "x"}, "turns[1].role"),
        ({"role": "wizard", "content": "x"}, "turns[1].role"),
        ({"role": "user", "content": 5}, "turns[1].content"),
        ({"role": "user", "content": True}, "turns[1].content"),
        ({"role": "user", "content": {"type": "text"}}, "turns[1].content"),
        ({"role": "user", "content": ["hello"]}, "turns[1].content[0]"),
        ({"role": "assistant", "tool_calls": 5}, "turns[1].tool_calls"),
        ({"role": "assistant", "tool_calls": "t"}, "turns[1].tool_calls"),
        ({"role": "assistant", "tool_calls": [5]}, "turns[1].tool_calls[0]"),
    ],
)
def test_a_turn_that_nobody_could_take_is_named(turn, param):
    with pytest.raises(MalformedError) as caught:
        check([USER, turn])

    assert caught.value.param == param


@pytest.mark.parametrize("turn", [{"role": "user"}, {"role": "user", "content": None}])
def test_content_may_be_demanded(turn):
    body = json.dumps({"turns": [USER, turn]}).encode()

    with pytest.raises(MalformedError, match="required") as caught:
        check_turns(body, peek(body).members, "turns", ROLES, content=True)

    assert caught.value.param == "turns[1].content"


def test_a_conversation_that_is_missing_is_asked_for():
    with pytest.raises(MalformedError, match="`turns` is missing"):
        check_turns(b"{}", {}, "turns", ROLES)


@pytest.mark.parametrize("turns", [None, 5, "x", {}, []])
def test_a_conversation_is_an_array_with_something_in_it(turns):
    with pytest.raises(MalformedError, match="turns"):
        check(turns)


def kinds(name, value, allowed):
    body = json.dumps({name: value}).encode()
    check_kinds(body, peek(body).members, {name: allowed})


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (1, "integer"),
        (-1, "integer"),
        (64.0, "integer"),
        (1e3, "integer"),
        (0.5, "number"),
        (-2, "number"),
        ("x", "string|array"),
        (["x"], "string|array"),
        ([], "string|strings"),
        ([{"a": 1}], "objects"),
        ({}, "object"),
        (False, "boolean"),
        (None, "integer"),
    ],
)
def test_a_member_of_the_right_kind_passes(value, allowed):
    kinds("field", value, allowed)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("many", "integer"),
        (0.5, "integer"),
        (True, "integer"),
        ("hot", "number"),
        ([1], "number"),
        (5, "string|array"),
        ("x", "object"),
        ("yes", "boolean"),
        (1, "boolean"),
        ([3], "objects"),
        ("x", "objects"),
        ([5], "string|strings"),
    ],
)
def test_a_member_of_another_kind_is_named(value, allowed):
    with pytest.raises(MalformedError) as caught:
        kinds("field", value, allowed)

    assert caught.value.param in {"field", "field[0]"}
    assert f"`{caught.value.param}` must be" in caught.value.message


def check_loosely(turns):
    body = json.dumps({"contents": turns}).encode()
    check_turns(body, peek(body).members, "contents", ("user", "model"), parts="parts")


@pytest.mark.parametrize(
    "turns",
    [
        {"parts": [{"text": "x"}]},
        [
            {"role": "user", "parts": {"text": "x"}},
            {"role": "model"},
            {"parts": None, "role": None},
            {"role": ""},
        ],
    ],
)
def test_one_object_may_stand_for_an_array_where_the_dialect_reads_it_so(turns):
    check_loosely(turns)


@pytest.mark.parametrize(
    ("turns", "param"),
    [
        ([], "contents"),
        ("hello", "contents"),
        ([3], "contents[0]"),
        ([{"role": "user"}, {"role": "wizard"}], "contents[1].role"),
        ([{"role": 5}], "contents[0].role"),
        ([{"parts": "x"}], "contents[0].parts"),
        ({"parts": ["x"]}, "contents[0].parts[0]"),
    ],
)
def test_what_nobody_could_read_is_named_there_too(turns, param):
    with pytest.raises(MalformedError) as caught:
        check_loosely(turns)

    assert caught.value.param == param

"""The shape of a request, seen without decoding it."""

import json

import pytest

from pointsman.canon.errors import MalformedError
from pointsman.wire.json import peek
from pointsman.wire.shape import Demands, check_kinds, check_turns

ROLES = ("user", "assistant")
USER = {"role": "user", "content": "x"}


def check(turns):
    body = json.dumps({"model": "m", "turns": turns}).encode()
    check_turns(body, peek(body).members, "turns", Demands(ROLES))


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
        check_turns(body, peek(body).members, "turns", Demands(ROLES, content=True))

    assert caught.value.param == "turns[1].content"


def test_a_conversation_that_is_missing_is_asked_for():
    with pytest.raises(MalformedError, match="`turns` is missing"):
        check_turns(b"{}", {}, "turns", Demands(ROLES))


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

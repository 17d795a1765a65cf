"""Budgets: laws of what is reserved and settled, with a clock that the test sets."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.budget import Amount, Books, Budget, Exceeded, begins, ends

NOON = datetime(2026, 2, 28, 12, 0, tzinfo=UTC).timestamp()
DAY = 86_400.0
TOKENS = Budget("mine", "tokens", 1000, "day")


def amount(tokens):
    return Amount(1, tokens, tokens * 10)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=30))
def test_after_all_is_settled_what_was_really_used_is_spent(uses):
    books = Books([Budget("all", "tokens", 10**9, "day")])

    held = [(books.reserve(None, ("m",), amount(expected), NOON), amount(used)) for expected, used in uses]
    for reserved, used in reversed(held):
        books.settle(reserved, used, NOON + 5)

    assert books.spent(books.budgets[0], NOON + 5) == sum(used for _, used in uses)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(1, 2000))
def test_what_goes_at_once_overshoots_by_less_than_one_estimate(estimates, most):
    budget = Budget("all", "tokens", most, "day")
    books = Books([budget])

    found = [(each, books.reserve(None, ("m",), amount(each), NOON)) for each in estimates]
    let_in = [each for each, reserved in found if not isinstance(reserved, Exceeded)]

    assert books.spent(budget, NOON) == sum(let_in)
    assert sum(let_in[:-1]) < most or not let_in


def test_a_used_up_budget_says_when_it_begins_anew():
    books = Books([TOKENS])
    taken = books.reserve(None, ("m",), amount(1000), NOON)

    full = books.reserve(None, ("m",), amount(1), NOON + 60)
    books.settle(taken, amount(1000), NOON + 60)
    refused = books.reserve(None, ("m",), amount(1), NOON + 60)

    assert full == Exceeded(TOKENS, NOON + DAY / 2, for_now=True)
    assert refused == Exceeded(TOKENS, NOON + DAY / 2)
    assert not isinstance(books.reserve(None, ("m",), amount(1), NOON + DAY / 2), Exceeded)


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("minute", "2026-02-28T12:00", "2026-02-28T12:01"),
        ("day", "2026-02-28T00:00", "2026-03-01T00:00"),
        ("month", "2026-02-01T00:00", "2026-03-01T00:00"),
    ],
)
def test_periods_are_those_of_the_calendar(per, start, end):
    assert begins(per, NOON + 30) == datetime.fromisoformat(start + "+00:00").timestamp()
    assert ends(per, NOON + 30) == datetime.fromisoformat(end + "+00:00").timestamp()


@pytest.mark.parametrize(
    ("budget", "key", "model", "counts"),
    [
        (Budget("b", "tokens", 1, "day"), None, "m", True),
        (Budget("b", "tokens", 1, "day", key="anna"), "anna", "m", True),
        (Budget("b", "tokens", 1, "day", key="anna"), "ben", "m", False),
        (Budget("b", "tokens", 1, "day", key="anna"), None, "m", False),
        (Budget("b", "tokens", 1, "day", models=("claude-*",)), None, "Claude-X", True),
        (Budget("b", "tokens", 1, "day", models=("claude-*",)), None, "gpt", False),
    ],
)
def test_a_budget_counts_what_it_is_for(budget, key, model, counts):
    books = Books([budget])
    books.reserve(key, (model,), amount(5), NOON)

    assert books.spent(budget, NOON) == (5 if counts else 0)


def test_nothing_is_set_aside_where_one_of_several_budgets_is_used_up():
    small, large = Budget("small", "requests", 1, "minute"), Budget("large", "tokens", 100, "day")
    books = Books([large, small])
    books.reserve(None, ("m",), amount(10), NOON)

    assert isinstance(books.reserve(None, ("m",), amount(10), NOON), Exceeded)
    assert books.spent(large, NOON) == 10


def test_what_is_settled_after_midnight_counts_in_the_new_day():
    books = Books([TOKENS])
    reserved = books.reserve(None, ("m",), amount(300), NOON)

    books.settle(reserved, amount(120), NOON + DAY)

    assert books.spent(TOKENS, NOON + DAY) == 120


def test_a_changed_configuration_forgets_nothing_of_what_stays():
    other = Budget("other", "tokens", 5, "day")
    books = Books([TOKENS, other])
    reserved = books.reserve(None, ("m",), amount(3), NOON)

    books.follow([TOKENS])
    books.settle(reserved, amount(4), NOON)

    assert books.spent(TOKENS, NOON) == 4
    assert [budget for budget, _, _ in books.states(NOON)] == [TOKENS]


def test_what_was_spent_before_is_taken_up():
    books = Books([TOKENS])
    books.recall(TOKENS, amount(999), NOON)

    assert not isinstance(books.reserve(None, ("m",), amount(1), NOON), Exceeded)
    assert isinstance(books.reserve(None, ("m",), amount(1), NOON), Exceeded)


def test_a_budget_that_is_raised_or_comes_back_has_spent_what_it_has():
    books, raised = Books([TOKENS]), Budget("mine", "tokens", 2000, "day")
    reserved = books.reserve(None, ("m",), amount(50), NOON)

    books.follow([])
    books.follow([raised])
    books.settle(reserved, amount(10), NOON)

    assert books.spent(raised, NOON) == 10

"""Breakers and allowances: what holds for any course of things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.allowance import GRAIN, MINUTE, Allowance
from pointsman.routing.breaker import LONGEST, PROBE_SECONDS, SHORTEST, THRESHOLD, Breaker

from .standings import NOW

CHANCES = st.floats(0, 1)
COURSES = st.lists(
    st.tuples(st.sampled_from(["begin", "fail", "succeed", "abandon"]), st.floats(0, 100)), max_size=60
)


def opened(times=THRESHOLD, chance=0.5):
    breaker = Breaker()
    for _ in range(times):
        breaker.fail(NOW, "why", lambda: chance)
    return breaker


@given(st.integers(0, THRESHOLD - 1))
def test_a_few_failures_open_nothing(count):
    assert not opened(count).is_open(NOW)


@given(CHANCES)
def test_it_opens_for_twice_as_long_each_time_within_its_bounds(chance):
    breaker = opened(chance=chance)
    for number in range(12):
        plain = min(LONGEST, SHORTEST * 2**number)
        assert plain <= breaker.until - NOW <= plain * 1.25
        breaker.fail(NOW, "why", lambda: chance)


def test_half_open_lets_one_ask_and_the_others_wait_for_it():
    breaker = opened()
    later = breaker.until

    assert not breaker.is_open(later)
    breaker.begin(later)

    assert breaker.is_open(later)
    assert breaker.is_open(later + PROBE_SECONDS - 0.1)
    assert not breaker.is_open(later + PROBE_SECONDS)


def test_a_probe_that_nobody_knows_the_end_of_gives_its_place_to_the_next():
    breaker = opened()
    breaker.begin(later := breaker.until)
    breaker.abandon(later + 1)

    assert not breaker.is_open(later + 1)
    assert breaker.opened == 1


def test_an_abandoned_request_before_it_opened_says_nothing():
    breaker = opened()
    until = breaker.until
    breaker.abandon(NOW)

    assert breaker.until == until


@given(COURSES, CHANCES)
def test_an_answer_closes_it_whatever_was_before(course, chance):
    breaker, now = Breaker(), NOW
    for what, seconds in course:
        now += seconds
        _happen(breaker, what, now, chance)
    breaker.succeed()

    assert breaker == Breaker(why=breaker.why)
    assert not breaker.is_open(now)


@given(COURSES, CHANCES)
def test_it_is_never_open_for_longer_than_its_bound(course, chance):
    breaker, now = Breaker(), NOW
    for what, seconds in course:
        now += seconds
        _happen(breaker, what, now, chance)

        assert breaker.until - now <= max(LONGEST * 1.25, PROBE_SECONDS)


def _happen(breaker, what, now, chance):
    if what == "begin":
        breaker.begin(now)
    elif what == "fail":
        breaker.fail(now, "why", lambda: chance)
    elif what == "succeed":
        breaker.succeed()
    else:
        breaker.abandon(now)


# Allowances

SPENDING = st.lists(st.tuples(st.floats(0, 120), st.floats(0.1, 5)), min_size=1, max_size=80)


@given(st.floats(5, 300), SPENDING)
def test_within_any_minute_no_more_is_allowed_than_the_rate(rate, wishes):
    allowance, now, spent = Allowance(rate), NOW, []
    for seconds, amount in wishes:
        now += seconds / 30
        if allowance.opens(amount, now) <= now:
            allowance.spend(amount, now)
            spent.append((now, amount))

    for start, _ in spent:
        assert sum(amount for when, amount in spent if start <= when < start + MINUTE - 1e-3) <= rate + 1e-6


@given(st.floats(0.05, 0.9), st.integers(2, 20))
def test_less_than_one_a_minute_is_one_within_longer(rate, times):
    allowance, now = Allowance(rate), NOW
    for _ in range(times):
        now = allowance.opens(1.0, now)
        allowance.spend(1.0, now)

    assert now - NOW == pytest.approx((times - 1) * MINUTE / rate, rel=0.01)


@given(st.floats(1, 1000), SPENDING)
def test_it_opens_when_it_says_and_not_before(rate, wishes):
    allowance, now = Allowance(rate), NOW
    for seconds, amount in wishes:
        now += seconds
        allowance.spend(amount, now)
    wanted = min(rate, 1.0)
    opens = allowance.opens(wanted, now)

    assert opens >= now
    assert allowance.left(opens) >= wanted - 1e-6
    assert len(allowance.spent) <= MINUTE / GRAIN + 1
    if opens > now:
        assert allowance.left(now) < wanted


@given(st.floats(1, 1000), st.floats(0, 1e6))
def test_unused_it_holds_a_minutes_worth_and_no_more(rate, seconds):
    allowance = Allowance(rate)
    allowance.spend(rate, NOW)

    assert allowance.left(NOW) == pytest.approx(0, abs=1e-6)
    assert allowance.left(NOW + MINUTE + 1 + seconds) == rate


def test_a_clock_that_goes_back_gives_nothing():
    allowance = Allowance(60.0)
    allowance.spend(30.0, NOW)

    assert allowance.left(NOW - 100) == 30.0

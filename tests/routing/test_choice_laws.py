"""The choice of an account: what holds of `select`, whatever the state of the accounts."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.roster import FLOOR, Need, select
from pointsman.routing.selectors import SELECTORS
from pointsman.routing.snapshot import Account
from pointsman.routing.standing import (
    EVERY,
    LIMIT_PROBE_EVERY,
    PROBE_EVERY,
    Block,
    Standing,
    Wait,
)
from pointsman.routing.window import Window

from .standings import NEEDS, NOW, free, roster, rosters

EACH_STRATEGY = pytest.mark.parametrize("strategy", SELECTORS)


def window(utilisation, name="five_hour", **fields):
    return Window(name, utilisation, NOW + 3600, **fields)


@given(rosters(), NEEDS)
def test_nobody_is_chosen_who_is_hindered_unless_to_find_out_whether_it_still_is(found, need):
    chosen = select(found, need, NOW)

    if isinstance(chosen, Standing):
        assert chosen.account.alias not in need.tried
        assert need.only in {None, chosen.account.alias}
        hindrance = chosen.hindrance(need.model, NOW)
        assert hindrance is None or hindrance.kind in {"limit", "refused"}
        if hindrance is not None:
            others = [each for each in found.standings.values() if each.account.alias not in need.tried]
            assert need.only or all(each.hindrance(need.model, NOW) for each in others)
            assert chosen.in_flight == 0


@given(rosters(), NEEDS)
def test_choosing_changes_nothing_and_gives_the_same_again(found, need):
    before = deepcopy(found)

    first, second = select(found, need, NOW), select(found, need, NOW)

    assert found.standings == before.standings
    assert found.breaker == before.breaker
    assert first is second if isinstance(first, Standing) else first == second


@given(rosters(), NEEDS)
def test_who_waits_is_told_a_time_to_come_that_some_account_gave(found, need):
    chosen = select(found, need, NOW)

    if isinstance(chosen, Wait):
        assert chosen.until > NOW
        told = [each.hindrance(need.model, NOW) for each in found.standings.values()]
        assert chosen in told or "backend" in chosen.why


@given(rosters(), NEEDS)
def test_nobody_is_left_only_where_each_account_has_had_its_turn(found, need):
    if select(found, need, NOW) is None:
        asked = found.standings.keys() if need.only is None else {need.only} & found.standings.keys()
        assert set(asked) <= need.tried


@given(rosters(), NEEDS)
def test_an_account_that_nothing_hinders_is_never_passed_over_for_a_wait(found, need):
    usable = [
        each
        for each in found.standings.values()
        if each.account.alias not in need.tried
        and need.only in {None, each.account.alias}
        and each.hindrance(need.model, NOW) is None
    ]
    chosen = select(found, need, NOW)

    if usable and isinstance(chosen, Wait):
        bound = found.standings.get(need.bound or "")
        of_its_own = bound is not None and chosen == bound.hindrance(need.model, NOW)
        assert of_its_own or "backend" in chosen.why


@EACH_STRATEGY
def test_fifty_at_once_spread_over_all_accounts_but_where_the_first_is_to_be_filled(strategy):
    found = roster(*map(free, "abcde"), strategy=strategy)
    for number in range(50):
        chosen = select(found, Need("m"), NOW)
        assert isinstance(chosen, Standing)
        chosen.in_flight += 1
        chosen.turn = number + 1
        chosen.served += 1
        chosen.latency = 1.0

    shares = [each.in_flight for each in found.standings.values()]
    assert shares == ([50, 0, 0, 0, 0] if strategy == "fill-first" else [10] * 5)


def test_fifty_at_once_spread_by_what_each_has_left():
    small = free("small", windows=(window(0.5, "requests", limit=10, remaining=5),))
    large = free("large", windows=(window(0.5, "requests", limit=90, remaining=45),))
    found = roster(small, large)
    for number in range(50):
        chosen = select(found, Need("m"), NOW)
        assert isinstance(chosen, Standing)
        chosen.in_flight += 1
        chosen.unheard.add(number)
        chosen.turn = number + 1

    assert (small.in_flight, large.in_flight) == (5, 45)
    refused = select(found, Need("m"), NOW)
    assert isinstance(refused, Wait)
    assert refused.kind == "ours"  # one of them may come back without having taken its share


@given(st.integers(1, 5), st.integers(1, 5), st.integers(10, 200))
def test_weights_are_kept_to_within_one_request(first, second, count):
    heavy, light = Standing(Account("a", weight=first)), Standing(Account("b", weight=second))
    found = roster(heavy, light, strategy="weighted")
    taken = {"a": 0, "b": 0}
    for number in range(count):
        chosen = select(found, Need("m"), NOW)
        assert isinstance(chosen, Standing)
        chosen.served += 1.0 / chosen.account.weight
        chosen.turn = number + 1
        taken[chosen.account.alias] += 1

    assert abs(taken["a"] - count * first / (first + second)) <= 1.0 + first / second


# Conversations


@EACH_STRATEGY
def test_a_conversation_stays_whatever_the_strategy_prefers(strategy):
    busy = free("a", in_flight=40, turn=99, served=99.0, latency=9.0, windows=(window(0.9),))
    found = roster(free("b"), busy, strategy=strategy)

    assert select(found, Need("m", bound="a"), NOW) is busy


@pytest.mark.parametrize(("left", "stays"), [(FLOOR + 0.001, True), (FLOOR - 0.001, False)])
def test_a_conversation_stays_down_to_the_floor(left, stays):
    low = free("a", windows=(window(1 - left),))
    found = roster(low, free("b"))

    assert (select(found, Need("m", bound="a"), NOW) is low) == stays


def test_below_the_floor_a_conversation_stays_where_there_is_nobody_else():
    low = free("a", windows=(window(0.999),))

    assert select(roster(low), Need("m", bound="a"), NOW) is low
    limited = free("b", blocks={EVERY: Block(NOW + 60, "why")})
    assert select(roster(low, limited), Need("m", bound="a"), NOW) is low


@pytest.mark.parametrize("kind", ["limit", "refused"])
def test_a_conversation_leaves_an_account_that_is_rejected(kind):
    rejected = free("a", blocks={"m": Block(NOW + 60, "why", kind)})
    other = free("b")

    assert select(roster(rejected, other), Need("m", bound="a"), NOW) is other


def test_a_conversation_waits_for_what_passes_by_itself():
    paced = free("a", paced=NOW + 3)
    found = roster(paced, free("b"))

    assert select(found, Need("m", bound="a"), NOW) == Wait(NOW + 3, "its requests are paced", "ours")
    assert select(found, Need("m", bound="a", tried=frozenset("a")), NOW) is found.standings["b"]


def test_what_only_one_account_can_serve_waits_for_it():
    limited = free("a", blocks={"m": Block(NOW + 60, "why", since=NOW)})

    chosen = select(roster(limited, free("b")), Need("m", only="a"), NOW)

    assert chosen == Wait(NOW + 60, "why", "limit")


# What is tried again although it is hindered


def test_a_refused_key_is_tried_again_only_where_all_are_and_not_too_often():
    refused = free("a", blocks={EVERY: Block(float("inf"), "why", "refused", NOW)})
    other = free("b")

    assert select(roster(refused, other), Need("m"), NOW + PROBE_EVERY) is other
    assert isinstance(select(roster(refused), Need("m"), NOW + PROBE_EVERY - 1), Wait)
    assert select(roster(refused), Need("m"), NOW + PROBE_EVERY) is refused


def test_a_limit_of_long_ago_is_tried_again_by_one_request_where_nobody_else_can_serve():
    limited = free("a", blocks={"m": Block(NOW + 1e6, "why", "limit", NOW)})
    later = NOW + LIMIT_PROBE_EVERY

    assert isinstance(select(roster(limited), Need("m"), later - 1), Wait)
    assert select(roster(limited), Need("m"), later) is limited
    limited.in_flight = 1
    assert isinstance(select(roster(limited), Need("m"), later), Wait)
    limited.in_flight = 0
    other = free("b")
    assert select(roster(limited, other), Need("m"), later) is other


def test_a_window_that_was_full_long_ago_is_tried_again_too():
    told = Window("seven_day", 1.0, NOW + 1e6)
    full = free("a", windows=(told,), reported=NOW)

    assert isinstance(select(roster(full), Need("m"), NOW + 1), Wait)
    assert select(roster(full), Need("m"), NOW + LIMIT_PROBE_EVERY) is full


# Windows


@given(st.floats(0, 1), st.floats(0, 1))
def test_headroom_is_what_the_fullest_window_leaves(first, second):
    found = free(windows=(window(first), window(second, "seven_day")))

    assert found.headroom("m", NOW) == 1.0 - max(first, second)


def test_a_window_of_other_models_or_of_the_past_leaves_everything():
    elsewhere = window(1.0, models=("opus*",))
    past = Window("five_hour", 1.0, NOW)
    found = free(windows=(elsewhere, past))

    assert found.headroom("sonnet-5", NOW) == 1.0
    assert found.headroom("opus-5", NOW) == 0.0
    assert found.hindrance("sonnet-5", NOW) is None
    assert found.hindrance("opus-5", NOW) is not None


def test_the_providers_own_word_that_it_serves_on_goes_before_a_full_window():
    full = free(windows=(window(1.0),), status="allowed_warning")

    assert full.hindrance("m", NOW) is None
    full.status = "rejected"
    assert full.hindrance("m", NOW) == Wait(NOW + 3600, "its window five_hour is used up", "limit")

"""A day of fifty agents before four accounts with limits of every kind, in seconds."""

from functools import cache

import pytest

from pointsman.routing.selectors import SELECTORS

from . import laws
from .agents import Habits, day
from .house import House, house
from .limits import DAY, HOUR, Window, openai, plain, unified
from .provider import Account, Provider, unlimited
from .tongues import Responses
from .virtual import run_virtual

HOURS = Habits(agents=24, conversations=2, rest=1800.0, seconds=4 * HOUR)
"""A shorter day, for what is shown more than once."""


def four():
    """Accounts as they are: a plan, and keys of several sizes; each runs into its limits now and then."""
    return (
        Account("plan", (Window("requests", 300, 5 * HOUR), Window("requests", 4000, 7 * DAY)), unified),
        Account("large", (Window("requests", 7), Window("input_tokens", 6000)), plain),
        Account("middle", (Window("requests", 6), Window("tokens", 8000)), plain, "date"),
        Account("small", (Window("requests", 4), Window("tokens", 3000)), plain, "none"),
    )


def scarce():
    """The same with less: now and then all are out at once."""
    return (
        Account("plan", (Window("requests", 60, 5 * HOUR),), unified),
        Account("large", (Window("requests", 4), Window("input_tokens", 3000)), plain, "milliseconds"),
        Account("middle", (Window("requests", 3), Window("tokens", 4000)), plain, "date"),
        Account("small", (Window("requests", 2), Window("tokens", 2000)), plain, "none"),
    )


def simulated(provider: Provider, habits: Habits, seed: int = 1, **settings) -> House:
    """The house at the end of a day."""

    async def scenario(loop):
        built = house(provider, loop, seed=seed, **settings)
        await day(built, habits, seed)
        return built

    return run_virtual(scenario)


@cache
def a_day() -> House:
    """The whole one; the tests below look at it from several sides."""
    return simulated(Provider(four()), Habits())


def test_no_limit_reaches_a_client_while_an_account_has_room():
    found = a_day()

    assert len(found.answers) > 4000
    assert all(answer.status == 200 and answer.whole for answer in found.answers)
    assert found.provider.filled() > 50


def test_every_law_holds_over_a_day():
    laws.check(a_day())


def test_prompt_caches_are_hit_as_often_as_with_one_account_without_limits():
    alone = simulated(Provider([unlimited()]), Habits())

    assert laws.cache_share(a_day()) == pytest.approx(laws.cache_share(alone), abs=0.02)


@pytest.mark.parametrize("strategy", SELECTORS)
def test_every_law_holds_with_each_strategy_where_all_accounts_run_out(strategy):
    found = simulated(Provider(scarce()), HOURS, backend=f'strategy = "{strategy}"')

    laws.check(found)
    assert found.provider.filled() > 50
    assert laws.cache_share(found) > 0.7


def test_every_law_holds_for_responses_with_encrypted_reasoning():
    accounts = (
        Account("one", (Window("requests", 4), Window("tokens", 4000)), openai),
        Account("two", (Window("requests", 3), Window("tokens", 6000)), openai, "milliseconds"),
        Account("three", (Window("requests", 2),), openai, "none"),
    )

    found = simulated(Provider(accounts, Responses()), HOURS)

    laws.check(found)
    assert found.provider.filled() > 50


def test_the_same_seed_gives_the_same_day():
    habits = Habits(agents=6, conversations=1, rest=60.0)

    first, second = (simulated(Provider(scarce()), habits, seed=7) for _ in range(2))

    assert first.provider.arrivals == second.provider.arrivals

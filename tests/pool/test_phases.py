"""Bad times: phases of failure, everything out at once, clients that leave; and what comes after."""

import asyncio
from random import Random

import pytest

from pointsman.routing.selectors import SELECTORS

from . import laws
from .agents import Habits, day
from .house import house
from .limits import HOUR, Window, plain, unified
from .provider import Account, Phase, Provider, unlimited
from .virtual import EPOCH, run_virtual

EVENING = Habits(agents=10, conversations=3, rest=600.0, seconds=HOUR, patience=4)


def at(begins, seconds, trouble, *accounts, **fields):
    """A phase, by minutes since the beginning."""
    start = EPOCH + begins * 60
    return Phase(trouble, start, start + seconds, frozenset(accounts), **fields)


STORM = (
    at(2, 120, "overloaded", "a"),
    at(5, 300, "failing", "b", chance=0.5),
    at(12, 20, "down"),
    at(15, 240, "first frame", "a", "c"),
    at(22, 60, "overloaded", retry_after="7"),
    at(27, 30, "failing"),
    at(32, 200, "down", chance=0.3),
    at(40, 300, "first frame", chance=0.5),
)


@pytest.mark.parametrize("strategy", SELECTORS)
def test_every_law_holds_through_phases_of_failure_with_each_strategy(strategy):
    accounts = (
        Account("a", (Window("requests", 150, 5 * HOUR),), unified),
        Account("b", (Window("requests", 8), Window("tokens", 20_000)), plain),
        Account("c", (Window("requests", 6),), plain, "none"),
    )
    provider = Provider(accounts, phases=STORM)

    async def scenario(loop):
        built = house(provider, loop, seed=3, backend=f'strategy = "{strategy}"')
        agents = await day(built, EVENING, seed=3)
        laws.check(built)
        return built, agents

    built, _ = run_virtual(scenario)
    met = {arrival.end for arrival in provider.arrivals}
    over = max(phase.ends for phase in STORM)
    assert met >= {"overloaded", "failing", "down", "first frame", "served"}
    assert all(answer.status == 200 for answer in built.answers if answer.at > over + 120)


@pytest.mark.parametrize("trouble", ["overloaded", "failing", "down", "first frame"])
def test_a_provider_that_recovers_is_asked_again_soon(trouble):
    provider = Provider(map(unlimited, "abc"), phases=[at(0, 2 * HOUR, trouble)])

    async def scenario(loop):
        built = house(provider, loop)
        while loop.time() < 2 * HOUR + 200:
            await built.ask(f"{loop.time()}")
            await asyncio.sleep(5)

    run_virtual(scenario)
    over = EPOCH + 2 * HOUR
    first = next(each.at for each in provider.arrivals if each.end == "served")
    late = [each for each in provider.arrivals if each.at > over + 120]
    assert first - over <= 80
    assert {each.account for each in late} == {"a", "b", "c"}
    assert {each.end for each in late} == {"served"}


def test_a_provider_that_is_down_is_not_hammered():
    provider = Provider([unlimited("a")], phases=[at(0, 600, "down")])

    async def scenario(loop):
        built = house(provider, loop)

        async def client():
            while loop.time() < 600:
                await built.ask("anybody?")
                await asyncio.sleep(2)

        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(client())

    run_virtual(scenario)
    # Thousands of requests in ten minutes; a probe each minute reaches it once the breaker is warm.
    assert len(provider.arrivals) < 60


def test_a_revoked_key_is_parked_and_found_again_where_it_is_the_only_one():
    provider = Provider([unlimited("a")])

    async def scenario(loop):
        built = house(provider, loop)
        account = provider.accounts["a"]
        account.revoked = True
        refused = [(await built.ask("again")).status for _ in range(20)]
        account.revoked = False
        await asyncio.sleep(31)

        assert set(refused) == {401}
        assert (await built.ask("now")).whole

    run_virtual(scenario)
    assert len(provider.arrivals) == 2


# All out at once


GREEDY, MODEST = ("x-api-key", "greedy"), ("x-api-key", "modest")


async def crowd(built, count):
    """One client asks so much at once, and a little later another one asks five questions."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def timed(text, who):
        answer = await built.ask(text, who)
        return answer, loop.time() - began

    async with asyncio.TaskGroup() as group:
        greedy = [group.create_task(timed(f"many {number}", GREEDY)) for number in range(count)]
        await asyncio.sleep(0.5)
        modest = [group.create_task(timed(f"few {number}", MODEST)) for number in range(5)]
    return [each.result() for each in greedy], [each.result() for each in modest]


def test_no_client_starves_another_where_places_are_few():
    provider = Provider([unlimited("a")])

    async def scenario(loop):
        built = house(provider, loop, settings="queue_timeout = 10000", backend="max_in_flight = 1")
        greedy, modest = await crowd(built, 60)
        laws.check(built)
        return greedy, modest

    greedy, modest = run_virtual(scenario)
    assert all(answer.whole for answer, _ in (*greedy, *modest))
    later = sorted(seconds for _, seconds in greedy)
    # They alternate, so that five of the one's are done when about as many of the other's are.
    assert max(seconds for _, seconds in modest) <= later[7]


def test_no_client_starves_another_when_a_limit_opens_again():
    provider = Provider(
        [Account("a", (Window("requests", 10, 30.0),)), Account("b", (Window("requests", 6, 30.0),))]
    )

    async def scenario(loop):
        built = house(provider, loop, settings="queue_timeout = 10000")
        greedy, modest = await crowd(built, 100)
        laws.check(built)
        return greedy, modest

    greedy, modest = run_virtual(scenario)
    waited = sorted(seconds for _, seconds in greedy)
    # Whoever asked first was served first; from the first reset on they take turns.
    assert all(answer.whole for answer, _ in modest)
    assert max(seconds for _, seconds in modest) < waited[50]


def test_of_one_client_the_requests_are_served_as_they_came():
    provider = Provider([unlimited("a")])

    async def scenario(loop):
        built = house(provider, loop, settings="queue_timeout = 10000", backend="max_in_flight = 1")
        await built.ask_all(30)

    run_virtual(scenario)
    assert [each.tag for each in provider.arrivals] == [f"t{number}" for number in range(1, 31)]


def test_who_waits_longer_than_the_queue_allows_gets_the_429_and_no_account():
    provider = Provider([Account("a", (Window("requests", 1, HOUR),))])

    async def scenario(loop):
        built = house(provider, loop, settings="queue_timeout = 60", backend="max_in_flight = 1")
        answers = await built.ask_all(5)

        assert sorted(answer.limited for answer in answers) == [False, True, True, True, True]
        assert loop.time() < 70
        laws.check_end(built)

    run_virtual(scenario)


# Clients that leave


def test_what_a_client_leaves_behind_is_released_whenever_it_leaves():
    accounts = (Account("a", (Window("requests", 20, 60.0),)), Account("b", (Window("requests", 10, 60.0),)))
    provider = Provider(accounts, phases=[at(1, 60, "overloaded"), at(3, 60, "down")])
    random = Random(5)

    async def scenario(loop):
        built = house(provider, loop, backend="max_in_flight = 6")

        async def visitor(number):
            tongue = provider.tongue
            await asyncio.sleep(random.uniform(0, 400))
            caller = built.caller(tongue.body(tongue.model, "", tongue.say(f"{number}")))
            timer = loop.call_later(random.expovariate(1 / 8), caller.leave)
            await built.send(caller)
            timer.cancel()

        async with asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(visitor(number))
        await asyncio.sleep(60)
        laws.check_end(built)
        assert (await built.ask("still there?")).whole

    run_virtual(scenario)

"""Problem 25 as named tests: limits, cool-downs, affinity and retries, over a provider that enforces them.

Each failure class was reported of another gateway; the issue stands at its test.
"""

import asyncio

import pytest

from . import laws
from .house import house
from .limits import DAY, HOUR, Window, openai, plain, unified, untold
from .provider import Account, Phase, Provider, unlimited
from .tongues import Anthropic, Responses
from .virtual import EPOCH, run_virtual

SESSION = ("x-session-id", "a")


def ends(provider, tag=None):
    """(account, end) of each arrival, in order."""
    return [(each.account, each.end) for each in provider.arrivals if tag in (None, each.tag)]


def full(alias="a", limit=1, seconds=60.0, style=untold, retry="seconds"):
    """An account that takes so many requests."""
    return Account(alias, (Window("requests", limit, seconds),), style, retry)


@pytest.mark.parametrize("retry", ["seconds", "date", "milliseconds"])
@pytest.mark.parametrize("tongue", [Anthropic, Responses], ids=["anthropic", "responses"])
def test_problem_25_retry_after_is_honoured_in_every_form(retry, tongue):
    """litellm#34399, voidllm#185, kandev#3811: ignored, or milliseconds taken for seconds."""
    provider = Provider([full(seconds=20.5, retry=retry)], tongue())

    async def scenario(loop):
        built = house(provider, loop)
        first, second = await built.ask("one"), await built.ask("two")

        assert first.whole
        assert second.whole
        laws.check(built)

    run_virtual(scenario)
    began, refused, served = provider.arrivals
    assert refused.end == "limited"
    assert 20.5 <= served.at - began.at <= 22.5


@pytest.mark.parametrize("style", [plain, openai], ids=["dates", "durations"])
def test_problem_25_reset_fields_are_honoured_where_there_is_no_retry_after(style):
    tongue = Anthropic() if style is plain else Responses()
    provider = Provider([full(seconds=20.5, style=style, retry="none")], tongue)

    async def scenario(loop):
        built = house(provider, loop)
        await built.ask("one")
        await built.ask("two")
        laws.check(built)

    run_virtual(scenario)
    assert provider.arrivals[-1].end == "served"
    # A duration counts from when its answer came, which took some seconds.
    assert 20.5 <= provider.arrivals[-1].at - provider.arrivals[0].at <= 25.0


def test_problem_25_a_reset_of_what_is_not_used_up_is_no_cool_down():
    """sub2api#2264: a burst's refusal came with the reset of a window of hours, which was then waited for."""
    windows = (Window("requests", 100, 5 * HOUR), Window("tokens", 10, 15.0))
    provider = Provider([Account("a", windows, plain, "none")])

    async def scenario(loop):
        built = house(provider, loop)
        await built.ask("one")
        answer = await built.ask("two")

        assert answer.whole
        assert loop.time() < 60

    run_virtual(scenario)


def test_problem_25_a_limit_moves_the_request_to_the_next_account_at_once():
    """voidllm#184, OmniRoute#1614: the 429 went to the client, or the same account was tried again first."""
    provider = Provider([full("a", seconds=30.0), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        await built.ask("one")

        assert (await built.ask("two")).whole

    run_virtual(scenario)
    *_, refused, served = provider.arrivals
    assert ends(provider, "t2") == [("a", "limited"), ("b", "served")]
    assert served.at - refused.at < 0.2


def test_problem_25_a_limited_account_is_not_asked_again_before_its_reset():
    """OmniRoute#3954, hermes-agent#19839: every request met the limited account first."""
    provider = Provider([full("a", seconds=HOUR), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        for number in range(20):
            assert (await built.ask(f"{number}")).whole
        laws.check(built)

    run_virtual(scenario)
    assert ends(provider).count(("a", "limited")) == 1


def test_problem_25_no_sticky_deadlock_a_conversation_leaves_an_account_that_is_limited_and_stays_away():
    """OmniRoute#6219, Antigravity-Manager#3395 and #3464: a session stayed pinned to an exhausted account."""
    provider = Provider([full("a", seconds=HOUR), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        for number in range(6):
            assert (await built.ask(f"{number}", SESSION)).whole

    run_virtual(scenario)
    assert ends(provider) == [("a", "served"), ("a", "limited"), *[("b", "served")] * 5]


def test_problem_25_no_sticky_deadlock_where_the_account_of_a_conversation_is_revoked():
    provider = Provider([unlimited("a"), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        await built.ask("one", SESSION)
        provider.accounts["a"].revoked = True
        for number in range(4):
            assert (await built.ask(f"{number}", SESSION)).whole

    run_virtual(scenario)
    assert ends(provider).count(("a", "refused")) == 1


def test_problem_25_a_hundred_waiting_clients_are_no_retry_storm():
    """litellm#34399, OmniRoute#1767: each waiting request hammered the limited upstream."""
    provider = Provider([full("a", limit=30, seconds=40.0), full("b", limit=30, seconds=40.0)])

    async def scenario(loop):
        built = house(provider, loop)
        answers = await built.ask_all(100)
        laws.check_attempts(built)
        return answers

    answers = run_virtual(scenario)
    at = [each.at for each in provider.arrivals]
    began, opens = min(at), min(each.at for each in provider.arrivals) + 40
    assert sum(answer.whole and answer.status == 200 for answer in answers) == 100
    # Each meets each limited account once at the most; then all are quiet until one opens again.
    assert len(at) <= 100 + 2 * 40 + 40
    assert not [each for each in at if began + 1 < each < opens - 1]


def test_problem_25_accounts_that_share_one_limit_are_asked_once_each_and_then_left_alone():
    """litellm#34399: with several deployments before one limit, Retry-After was not looked at."""
    provider = Provider([unlimited("a"), unlimited("b"), unlimited("c")])
    provider.phases = [Phase("overloaded", EPOCH, EPOCH + 50, retry_after="50")]

    async def scenario(loop):
        built = house(provider, loop)
        answers = await built.ask_all(10)

        assert {answer.status for answer in answers} <= {200, 529}
        laws.check_attempts(built)

    run_virtual(scenario)
    assert len([each for each in provider.arrivals if each.at < EPOCH + 50]) <= 10 * (3 + 1)


def test_problem_25_a_guessed_cool_down_grows_although_it_runs_out_between_the_refusals():
    """OmniRoute#1767: the level of the back-off was forgotten as soon as a cool-down had passed."""
    provider = Provider([full("a", seconds=DAY, retry="none")])

    async def scenario(loop):
        built = house(provider, loop, settings="queue_timeout = 0")
        for _ in range(600):
            await built.ask("again")
            await asyncio.sleep(2.0)

    run_virtual(scenario)
    # An hour's requests: without the growth there would be one refusal for each.
    assert 5 <= ends(provider).count(("a", "limited")) <= 12


def test_problem_25_no_stuck_cool_down_after_a_burst():
    """OmniRoute#8396, deltallm#247: accounts stayed out for hours after their limit had reset."""
    provider = Provider([full("a", limit=3, seconds=30.0, retry="none"), full("b", limit=3, seconds=30.0)])

    async def scenario(loop):
        built = house(provider, loop)
        await built.ask_all(40)
        await asyncio.sleep(31)
        begun = len(provider.arrivals)
        for number in range(2):
            assert (await built.ask(f"later {number}")).whole
        assert {each.end for each in provider.arrivals[begun:]} == {"served"}

    run_virtual(scenario)


def test_problem_25_no_stuck_cool_down_where_a_limit_is_lifted_before_its_reset():
    """CLIProxyAPI#5770, #4724, opencodex#433: a reset eighteen days away was believed until a restart."""
    week = (Window("requests", 1, 5 * HOUR), Window("requests", 1, 7 * DAY))
    provider = Provider([Account("a", week, unified)])

    async def scenario(loop):
        built = house(provider, loop)
        await built.ask("one")
        refused = await built.ask("two")
        for window in week:
            window.used = 0.0
        limited = [await built.ask(f"{number}") for number in range(50)]
        await asyncio.sleep(900)
        answers = [await built.ask(f"again {number}") for number in range(1)]

        assert {each.status for each in (refused, *limited)} == {429}
        assert [each.status for each in answers] == [200]

    run_virtual(scenario)
    assert len(provider.arrivals) <= 3


def test_problem_25_a_limit_that_stays_is_asked_for_seldom():
    provider = Provider([full("a", seconds=7 * DAY)])

    async def scenario(loop):
        built = house(provider, loop)
        for _ in range(2 * 60):
            await built.ask("again")
            await asyncio.sleep(60)

    run_virtual(scenario)
    assert ends(provider).count(("a", "limited")) <= 1 + 2 * 4


def test_problem_25_a_request_that_is_refused_everywhere_takes_no_account_from_the_others():
    """Antigravity-Manager#3506: one request's 429 at each account made all of them unusable for everybody."""
    provider = Provider([unlimited("a"), unlimited("b"), unlimited("c")])
    provider.poison = b"too much"

    async def scenario(loop):
        built = house(provider, loop)

        async def others():
            for number in range(20):
                assert (await built.ask(f"fine {number}")).whole

        async with asyncio.TaskGroup() as group:
            group.create_task(others())
            refused = [await built.ask("too much") for _ in range(3)]

        assert {each.status for each in refused} == {429}

    run_virtual(scenario)


def test_problem_25_a_request_that_is_wrong_cools_no_account_down():
    """OmniRoute#13757: a 400 was tried with every account, and cooled each of them down."""
    provider = Provider([unlimited("a"), unlimited("b")])
    for account in provider.accounts.values():
        account.betas_refused = frozenset({"unknown"})

    async def scenario(loop):
        built = house(provider, loop)
        wrong = await built.ask("one", ("anthropic-beta", "unknown"))
        right = await built.ask("two")

        assert (wrong.status, right.status) in ((400, 200), (200, 200))
        assert {each.account for each in provider.arrivals if each.end == "invalid"} != {"a", "b"}

    run_virtual(scenario)


def test_problem_25_failures_in_a_row_take_an_account_out_of_rotation():
    """litellm PR#34836: twenty-five consecutive 500s left a deployment in rotation."""
    provider = Provider([unlimited("a"), unlimited("b")])
    provider.phases = [Phase("failing", EPOCH, EPOCH + HOUR, frozenset({"a"}))]

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        for number in range(100):
            assert (await built.ask(f"{number}")).whole
            await asyncio.sleep(1)

    run_virtual(scenario)
    met = [each for each in provider.arrivals if each.at < EPOCH + HOUR]
    assert ends(provider).count(("a", "failing")) < 0.3 * len(met)


def test_problem_25_an_account_that_recovers_is_used_again():
    """deltallm#247: what was once unhealthy stayed so."""
    provider = Provider([unlimited("a"), unlimited("b")])
    provider.phases = [Phase("failing", EPOCH, EPOCH + HOUR, frozenset({"a"}))]

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "round-robin"')
        while loop.time() < HOUR + 120:
            await built.ask(f"{loop.time()}")
            await asyncio.sleep(10)

    run_virtual(scenario)
    late = [each.account for each in provider.arrivals if each.at > EPOCH + HOUR + 90]
    assert "a" in late


def test_problem_25_a_probe_whose_client_leaves_gives_its_place_to_the_next():
    """voidllm PR#185: a half-open breaker kept the place of a probe that nobody had reported on."""
    provider = Provider([unlimited("a")])
    provider.phases = [Phase("down", EPOCH, EPOCH + 30)]

    async def scenario(loop):
        built = house(provider, loop)
        while loop.time() < 32:
            await built.ask("down")
            await asyncio.sleep(1)
        await asyncio.sleep(90)
        tongue = provider.tongue
        leaving = built.caller(tongue.body(tongue.model, "", tongue.say("bye")))
        loop.call_later(0.3, leaving.leave)
        await built.send(leaving)

        assert (await built.ask("next")).whole
        laws.check_end(built)

    run_virtual(scenario)


@pytest.mark.parametrize("tongue", [Anthropic, Responses], ids=["anthropic", "responses"])
def test_problem_25_a_200_whose_first_frame_is_an_error_moves_to_the_next_account(tongue):
    provider = Provider([unlimited("a"), unlimited("b")], tongue())
    provider.phases = [Phase("first frame", EPOCH, EPOCH + HOUR, frozenset({"a"}))]

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"')
        for number in range(3):
            answer = await built.ask(f"{number}")
            assert answer.whole
            assert b"verloaded" not in answer.body
        laws.check(built)

    run_virtual(scenario)
    assert set(ends(provider)) == {("a", "first frame"), ("b", "served")}


def test_problem_25_when_all_are_exhausted_there_is_one_429_with_the_earliest_reset():
    """litellm PR#30098, Antigravity-Manager#3414: no Retry-After, so that clients came back too early."""
    provider = Provider(
        [full("a", seconds=3 * HOUR), full("b", seconds=2 * HOUR), full("c", seconds=5 * HOUR)]
    )

    async def scenario(loop):
        built = house(provider, loop)
        await built.ask_all(3)
        told = await built.ask("four")
        again = await built.ask("five")
        opens = min(account.windows[0].resets for account in provider.accounts.values())

        for answer in (told, again):
            assert answer.status == 429
            assert int(answer.header("retry-after")) == pytest.approx(opens - answer.at, abs=2)
        laws.check(built)

    run_virtual(scenario)
    assert len(provider.arrivals) <= 3 * 3


def test_problem_25_an_account_without_a_key_stops_nobody():
    """opencodex#4639: a credential that failed here pinned the whole pool at 503."""
    provider = Provider([unlimited("a"), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, backend='strategy = "fill-first"', without_key=("a",))
        for number in range(3):
            assert (await built.ask(f"{number}", SESSION)).whole

    run_virtual(scenario)
    assert {each.account for each in provider.arrivals} == {"b"}


def test_problem_25_after_the_first_byte_nothing_is_sent_again():
    provider = Provider([unlimited("a"), unlimited("b")])

    async def scenario(loop):
        built = house(provider, loop, broken=True)
        answer = await built.ask("one")

        assert answer.status == 200
        assert not answer.whole
        assert b"event: error" in answer.body

    run_virtual(scenario)
    assert len(provider.arrivals) == 1

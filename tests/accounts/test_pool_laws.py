"""The pool: accounts chosen and reserved in one step, conversations that stay, and what is given back."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.accounts.credentials import Credentials
from pointsman.accounts.holder import Holder
from pointsman.accounts.pool import Ask, Pool, Whose
from pointsman.accounts.verdict import GAP, Failure
from pointsman.canon.errors import NoAccountError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.attempts import Outcome
from pointsman.routing.roster import Need
from pointsman.routing.snapshot import Account, Backend
from pointsman.routing.window import Reported, Window
from scripted import run, run_jumping

ROW = Provider(
    name="acme",
    title="Acme",
    page="https://acme.example",
    dialects={"anthropic": Speaks(base="")},
    auth="none",
)
LIMITED = Outcome("refused", 429, 60.0)


class Yard:
    """A pool of a backend that needs no keys; where no clock is given, it is set by hand."""

    def __init__(self, aliases="abcd", clock=None, **fields):
        accounts = tuple(Account(alias) for alias in aliases)
        bases = {"anthropic": "https://acme.example"}
        self.backend = Backend("backend", ROW, bases, "a test", accounts=accounts, **fields)
        self.now = 1000.0
        holder = Holder(Credentials({}, None), {})
        by_hand = () if clock else (self.later,)
        self.pool = Pool(holder, clock or (lambda: self.now), lambda: 0.5, *by_hand)
        self.leases = []

    def later(self, seconds, call):
        """Whoever waits brings the clock forward by as much."""

        def ring():
            self.now += seconds
            call()

        return asyncio.get_running_loop().call_soon(ring)

    def standing(self, alias):
        return self.pool.roster(self.backend).standings[alias]

    def whose(self, alias):
        return Whose(self.backend, alias, "m")

    async def take(self, conversation=b"", **fields):
        """An account's alias; empty where there is none."""
        ask = Ask(self.backend, "anthropic", "m", conversation, **fields)
        try:
            lease = await self.pool.take(ask, self.pool.queue.place("client", self.pool.clock()))
        except NoAccountError:
            return ""
        self.leases.append(lease)
        return lease.account

    def lease(self, alias):
        """The oldest one of an account."""
        return next(lease for lease in self.leases if lease.account == alias)

    def hear(self, alias, told=None):
        lease = self.lease(alias)
        self.pool.hear(Whose(self.backend, alias, "m", lease.number), told)

    def give_back(self, alias):
        lease = self.lease(alias)
        self.leases.remove(lease)
        self.pool.give_back(self.backend, lease)

    def answer(self, alias, conversation=b""):
        self.pool.succeed(self.whose(alias), conversation, 0.1)
        self.give_back(alias)

    def refuse(self, alias, outcome=LIMITED):
        self.pool.fail(self.whose(alias), outcome, Failure("why"))
        self.give_back(alias)


def test_fifty_at_once_do_not_see_the_same_free_account():
    async def scenario():
        yard = Yard("abcde")
        async with asyncio.TaskGroup() as group:
            taken = [group.create_task(yard.take(b"%d" % number)) for number in range(50)]
        return [each.result() for each in taken]

    taken = run(scenario())
    assert [taken.count(alias) for alias in "abcde"] == [10] * 5


def test_what_a_window_has_left_is_given_out_once():
    async def scenario():
        yard = Yard("ab")
        for alias, left in (("a", 3), ("b", 2)):
            window = Window("requests", 0.5, yard.now + 60, 10, left)
            yard.pool.hear(yard.whose(alias), Reported((window,)))
        async with asyncio.TaskGroup() as group:
            taken = [group.create_task(yard.take()) for _ in range(9)]
        return sorted(each.result() for each in taken)

    assert run(scenario()) == [""] * 4 + ["a"] * 3 + ["b"] * 2


def told(left, resets, limit=4):
    return Reported((Window("requests", 1 - left / limit, resets, limit, left),))


def test_problem_25_an_answer_that_goes_on_is_not_counted_beside_what_the_provider_counts():
    async def scenario():
        yard = Yard("a")
        resets = yard.now + 60
        for left in (3, 2, 1):
            assert await yard.take() == "a"
            yard.pool.hear(Whose(yard.backend, "a", "m", yard.leases[-1].number), told(left, resets))

        assert yard.standing("a").in_flight == 3
        assert await yard.take() == "a"
        assert await yard.take() == ""

    run(scenario())


def test_problem_25_a_window_that_begins_anew_takes_no_more_at_once_than_its_limit():
    async def scenario():
        yard = Yard("a")
        yard.pool.hear(yard.whose("a"), told(0, yard.now + 60))
        yard.now += 61
        taken = []
        for _ in range(6):
            taken.append(await yard.take())
            yard.now += 0.3

        assert taken == ["a"] * 4 + [""] * 2
        yard.hear("a", told(2, yard.now + 60))
        assert await yard.take() == ""
        yard.hear("a", told(2, yard.now + 60))
        yard.hear("a", told(2, yard.now + 60))

    run(scenario())


def test_a_conversation_stays_until_its_account_is_limited_and_then_with_whoever_answered():
    async def scenario():
        yard, seen = Yard(), []
        for _ in range(5):
            seen.append(await yard.take(b"talk"))
            yard.answer(seen[-1], b"talk")
        yard.refuse(await yard.take(b"talk"))
        for _ in range(5):
            seen.append(await yard.take(b"talk"))
            yard.answer(seen[-1], b"talk")
        yard.now += 3600
        seen.append(await yard.take(b"talk"))
        return seen

    *first, sixth, seventh, eighth, ninth, tenth, later = run(scenario())
    assert len(set(first)) == 1
    assert {sixth, seventh, eighth, ninth, tenth, later} == {sixth}
    assert sixth != first[0]


def test_a_conversation_that_is_refused_before_anyone_answered_is_bound_to_whoever_does():
    async def scenario():
        yard = Yard("ab")
        first = await yard.take(b"talk")
        yard.refuse(first)
        second = await yard.take(b"talk", tried=frozenset(first))
        yard.answer(second, b"talk")
        yard.now += 3600
        return first, second, await yard.take(b"talk")

    first, second, third = run(scenario())
    assert first != second == third


def test_a_conversation_may_go_on_elsewhere_six_hours_after_its_last_use():
    async def scenario():
        yard = Yard("ab")
        for _ in range(2):
            yard.answer(await yard.take(b"talk"), b"talk")
            yard.now += 6 * 3600
        first = yard.pool.bindings.find("backend", b"talk").alias
        yard.now += 1
        return first, await yard.take(b"talk")

    first, later = run(scenario())
    assert (first, later) == ("a", "b")


EVENTS = st.lists(st.sampled_from(["take", "answer", "refuse", "leave", "time", "fail"]), max_size=80)


@settings(max_examples=60)
@given(EVENTS, st.data())
def test_what_is_reserved_is_what_is_under_way_whatever_happens(events, data):
    async def scenario():
        yard = Yard("abc")
        held: list[str] = []
        for what in events:
            if what == "take":
                if alias := await yard.take(b"x"):
                    held.append(alias)
            elif what == "time":
                yard.now += 30
            elif held:
                alias = held.pop(data.draw(st.integers(0, len(held) - 1)))
                if what == "answer":
                    yard.answer(alias, b"x")
                elif what == "leave":
                    yard.give_back(alias)
                else:
                    yard.refuse(alias, LIMITED if what == "refuse" else Outcome("refused", 500))
            counts = {alias: held.count(alias) for alias in "abc"}
            assert {alias: yard.standing(alias).in_flight for alias in "abc"} == counts
        return yard

    run(scenario())


def test_a_client_that_leaves_while_it_waits_reserves_nothing():
    async def scenario():
        yard = Yard("a", max_in_flight=1)
        assert await yard.take() == "a"
        ask = Ask(yard.backend, "anthropic", "m")
        waiting = asyncio.ensure_future(yard.pool.take(ask, yard.pool.queue.place("c", yard.now + 60)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        yard.give_back("a")

        assert yard.standing("a").in_flight == 0
        assert await yard.take() == "a"

    run(scenario())


def test_who_can_be_served_by_one_account_only_waits_for_that_one():
    async def scenario(loop):
        yard = Yard("ab", loop.time)
        yard.refuse(await yard.take(only="a"))
        place = yard.pool.queue.place("client", loop.time() + 100)

        assert await yard.pool.wait([(yard.backend, Need("m"))], place)
        waiting = asyncio.ensure_future(yard.pool.wait([(yard.backend, Need("m", only="a"))], place))
        await asyncio.sleep(0)
        assert not waiting.done()
        loop.jump(61)
        assert await waiting

    run_jumping(scenario)


def test_once_a_limit_opens_again_requests_come_one_after_the_other():
    async def scenario():
        yard = Yard("a")
        yard.refuse(await yard.take())
        yard.now += 61

        assert await yard.take() == "a"
        wait = yard.standing("a").hindrance("m", yard.now)
        assert (wait.kind, wait.until - yard.now) == ("ours", GAP)
        yard.now += 0.3
        assert await yard.take() == "a"
        for _ in range(8):
            yard.pool.succeed(yard.whose("a"), b"", 0.1)
        yard.now += 0.3
        assert [await yard.take() for _ in range(5)] == ["a"] * 5

    run(scenario())

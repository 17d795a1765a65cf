"""The fair queue: each client once, then by arrival; nobody waits beyond the deadline."""

import asyncio
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from pointsman.accounts.queue import WOKEN, FairQueue, loop_later
from scripted import run, run_jumping


class Desk:
    """One place that a queue leads to."""

    def __init__(self, loop):
        self.queue = FairQueue(loop.time, loop_later)
        self.free = False
        self.served = []

    async def stand(self, client, deadline=inf):
        """Until it is this one's turn; whether it came."""
        place = self.queue.place(client, deadline)
        while not self.free:
            if not await self.queue.turn(place, inf):
                return False
        self.free = False
        self.queue.served(place)
        self.served.append(client)
        return True

    async def serve(self, count):
        """So many, one after the other."""
        for _ in range(count):
            self.free = True
            self.queue.wake()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def lined_up(clients):
    """A desk, and one waiter of each."""
    desk = Desk(asyncio.get_running_loop())
    tasks = [asyncio.ensure_future(desk.stand(client)) for client in clients]
    await asyncio.sleep(0)
    return desk, tasks


@given(st.lists(st.sampled_from("abcd"), max_size=24))
def test_each_client_has_its_turn_before_any_has_its_next(clients):
    async def scenario():
        desk, tasks = await lined_up(clients)
        await desk.serve(len(clients))
        await asyncio.gather(*tasks)
        return desk

    desk = run(scenario())
    assert sorted(desk.served) == sorted(clients)
    left = list(clients)
    round_of: set[str] = set()
    for client in desk.served:
        if client in round_of:
            assert set(left) <= round_of
            round_of = set()
        round_of.add(client)
        left.remove(client)


def test_one_request_of_another_client_does_not_wait_for_a_hundred_of_one():
    async def scenario():
        desk, tasks = await lined_up(["many"] * 100 + ["one"])
        await desk.serve(2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(desk.queue) == 0
        return desk.served

    assert run(scenario()) == ["many", "one"]


def test_of_one_client_who_came_first_goes_first():
    async def scenario():
        desk = Desk(asyncio.get_running_loop())
        done = []

        async def stand(number):
            await desk.stand("client")
            done.append(number)

        tasks = [asyncio.ensure_future(stand(number)) for number in range(20)]
        await asyncio.sleep(0)
        await desk.serve(20)
        await asyncio.gather(*tasks)
        return done

    assert run(scenario()) == list(range(20))


def test_who_has_waited_long_enough_is_told_so_and_leaves_nothing_behind():
    async def scenario(loop):
        desk = Desk(loop)
        waiting = asyncio.ensure_future(desk.stand("a", loop.time() + 60))
        await asyncio.sleep(0)
        loop.jump(61)

        assert await waiting is False
        assert len(desk.queue) == 0
        assert await desk.stand("late", loop.time()) is False

    run_jumping(scenario)


def test_who_gives_up_as_the_turn_comes_hands_it_on():
    async def scenario():
        desk, tasks = await lined_up([f"client {number}" for number in range(WOKEN + 1)])
        desk.free = True
        desk.queue.wake()
        for task in tasks[:-1]:
            task.cancel()

        assert await tasks[-1] is True
        await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario(), deadline=5)


def test_a_time_at_which_to_look_is_kept_to():
    async def scenario(loop):
        queue = FairQueue(loop.time, loop_later)
        began = loop.time()
        waiting = asyncio.ensure_future(queue.turn(queue.place("a", inf), began + 30))
        await asyncio.sleep(0)
        queue.wake()
        await asyncio.sleep(0)
        assert not waiting.done()
        loop.jump(30)

        assert await waiting is True

    run_jumping(scenario)

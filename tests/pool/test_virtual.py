"""Virtual time: a day passes at once, in the right order, and a standstill is seen."""

import asyncio
import time

import pytest

from .virtual import StandstillError, run_virtual


def test_timers_go_off_in_their_order_and_nobody_waits_for_them():
    async def scenario(loop):
        seen = []

        async def later(seconds):
            await asyncio.sleep(seconds)
            seen.append((seconds, loop.time()))

        await asyncio.gather(*map(later, (86_400.0, 1.0, 3600.0)))
        return seen

    began = time.perf_counter()
    seen = run_virtual(scenario)

    assert seen == [(pytest.approx(each), pytest.approx(each)) for each in (1.0, 3600.0, 86_400.0)]
    assert time.perf_counter() - began < 5


def test_time_limits_pass_too():
    async def scenario(loop):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return loop.time()

    assert run_virtual(scenario) == pytest.approx(60)


def test_what_a_thread_does_takes_no_virtual_time():
    async def scenario(loop):
        async with asyncio.timeout(1):
            await asyncio.to_thread(sum, range(100_000))
        return loop.time()

    assert run_virtual(scenario) == 0


def test_what_can_never_go_on_is_an_error_and_not_a_test_that_hangs():
    async def scenario(loop):
        await asyncio.Event().wait()

    with pytest.raises(StandstillError):
        run_virtual(scenario)

"""The pool: what a hundred accounts and two thousand bound conversations cost a request.

In pairs of the same run: a pool of one beside a pool of a hundred, each with all conversations that are kept.
"""

import time
from contextlib import ExitStack
from pathlib import Path

from bench.asking import request
from bench.load import callers, rush_through
from bench.measures import LINES, MICRO, Extent, in_turns
from bench.table import Figures
from bench.ways import Way, pointsman
from pointsman.accounts.credentials import Credentials
from pointsman.accounts.holder import Holder
from pointsman.accounts.pool import Ask, Pool, Whose
from pointsman.accounts.secret import Secret
from pointsman.accounts.vault import Kept
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Account, Backend
from pointsman.routing.window import Reported, Window

CONVERSATIONS = 2000
SIZES = {"1": 1, "100": 100}
"""By the row of the table, how many accounts."""
_DIALECT = "anthropic"
_BACKEND = """
[backends.pool]
provider = "anthropic-compatible"
base_url = "http://127.0.0.1:{port}"
key_env = "BENCH_KEY"
models = ["plain"]
"""
_ACCOUNT = """[backends.pool.accounts.a{number}]
key_env = "BENCH_KEY"
"""


def _configuration(port: int, count: int) -> str:
    more = (_ACCOUNT.format(number=number) for number in range(1, count))
    return _BACKEND.format(port=port) + "".join(more)


def _requests(way: Way) -> list[bytes]:
    """One of each conversation."""
    head, _, rest = request(way, "plain").partition(b"\r\n")
    return [
        b"%s\r\nx-session-id: conversation-%05d\r\n%s" % (head, each, rest) for each in range(CONVERSATIONS)
    ]


async def per_request(folder: Path, upstream: int, extent: Extent) -> Figures:
    """CPU microseconds of a relayed request, by the number of accounts."""
    with ExitStack() as stack:
        ways: list[Way] = []
        for name, count in SIZES.items():
            own = folder / f"pool-{count}"
            own.mkdir()
            begun = pointsman(own, upstream, _configuration(upstream, count))
            process, port, _ = stack.enter_context(begun)
            ways.append(Way(name, port, _DIALECT, "pool:", process))
        asked = {way.name: _requests(way) for way in ways}
        for way in ways:
            await _cpu(way, asked[way.name], CONVERSATIONS, 10 * extent.seconds)

        async def one(way: Way) -> float:
            return await _cpu(way, asked[way.name], max(extent.requests, CONVERSATIONS), extent.seconds)

        # More rounds than elsewhere: it is a small difference of two large figures.
        return await in_turns(ways, 3 * extent.rounds, one)


async def _cpu(way: Way, asked: list[bytes], count: int, seconds: float) -> float:
    assert way.process is not None
    async with callers(way.port, LINES) as lines:
        before = way.process.cpu()
        replies = await rush_through(lines, asked, count, seconds)
        return (way.process.cpu() - before) / len(replies) * MICRO


async def lease(count: int, extent: Extent) -> tuple[float, float]:
    """CPU microseconds of one lease with so many accounts, in a bound conversation and in a new one."""
    yard = _Yard(count)
    bound = [b"conversation %d" % number for number in range(CONVERSATIONS)]
    await yard.serve(bound, CONVERSATIONS)
    known = await yard.serve(bound, extent.leases)
    fresh = [b"new %d" % number for number in range(CONVERSATIONS)]
    return known, await yard.serve(fresh, CONVERSATIONS)


class _Yard:
    """A pool whose accounts have two windows each, as most providers tell of."""

    def __init__(self, count: int) -> None:
        accounts = tuple(Account(f"a{number}", "BENCH_KEY") for number in range(count))
        row = Provider("bench", "Bench", "", dialects={_DIALECT: Speaks(base="")}, auth="x-api-key")
        self._backend = Backend("bench", row, {_DIALECT: "https://bench.example"}, "", accounts=accounts)
        keys = {"BENCH_KEY": "sk-bench-0123456789"}
        self._pool = Pool(Holder(Credentials(keys, _Empty()), {}), time.time, lambda: 0.5)
        resets = time.time() + 3600
        requests, tokens = Window("requests", 0.5, resets, 100, 50), Window("tokens", 0.5, resets, 100, 50)
        self._told = Reported((requests, tokens))
        for account in accounts:
            self._pool.hear(Whose(self._backend, account.alias, "m"), self._told)

    async def serve(self, conversations: list[bytes], times: int) -> float:
        """CPU microseconds of a lease: taken, answered, given back."""
        pool, began = self._pool, time.process_time()
        for number in range(times):
            talk = conversations[number % len(conversations)]
            place = pool.queue.place("client", time.time() + 60)
            taken = await pool.take(Ask(self._backend, _DIALECT, "m", talk), place)
            whose = Whose(self._backend, taken.account, "m", taken.number)
            pool.hear(whose, self._told)
            pool.succeed(whose, talk, 0.1)
            pool.give_back(self._backend, taken)
        return (time.process_time() - began) / times * MICRO


class _Empty:
    """A vault with nothing in it."""

    def get(self, name: str) -> Secret | None:
        """Nothing."""
        return None

    def place(self, name: str) -> Kept | None:
        """Nowhere."""
        return None

    def put(self, name: str, secret: Secret) -> Kept:
        """Not here."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """There is none."""

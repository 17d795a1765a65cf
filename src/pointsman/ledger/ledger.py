"""The ledger: takes in the trace of every exchange, and has a record of each written behind the traffic.

The traffic puts a value into a bounded queue, and no more. Four times a second what waits there becomes
records, in a thread: whoever listens is told, then they are written as one transaction. What finds the queue
full, or a database that cannot be written, is counted and told.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import TypeAlias

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.ledger.billing import bucket_of
from pointsman.ledger.contents import Bounds, cut
from pointsman.ledger.contents import tidy as tidy_contents
from pointsman.ledger.contents import write as keep
from pointsman.ledger.cost import Costs
from pointsman.ledger.counter import Counter
from pointsman.ledger.estimate import with_estimate
from pointsman.ledger.names import Names
from pointsman.ledger.reading import reading
from pointsman.ledger.record import Record, Told, record_of, teller
from pointsman.ledger.trace import Trace
from pointsman.ledger.writing import Keeping, Run, tidy, write
from pointsman.store.database import Database
from pointsman.wire.secrets import mask

Listener: TypeAlias = Callable[[Sequence[Record]], None]
LOG = logging.getLogger("pointsman")
FLUSH_EVERY = 0.25
"""Seconds: a record can be read within one second of its exchange's end."""
MOST_WAITING = 20_000
"""Traces that wait to become records."""
BYTES = 600
"""What a record weighs in the database's queue."""
MODELS = 1000
"""Models that sums are told apart by, once each has answered: clients make names up."""
PATIENCE = 2.0
"""Seconds in which whoever asks is answered in his turn."""
TIDY_EVERY = 600.0
"""Seconds between two looks for what is too old."""
WEIGH_AT = 0.02
"""The part of what bodies may take that may be added before they are looked at sooner."""


class Ledger:
    """One endpoint's."""

    def __init__(
        self, database: Database, counter: Counter, run: str, costs: Costs, wall: Callable[[], float]
    ) -> None:
        """`run` names this run of the endpoint; `wall` gives seconds since the epoch."""
        self.database = database
        self.costs = costs
        self.keeping = Keeping()
        self.keeps_contents = False
        """Whether bodies are kept here."""
        self.bounds = Bounds()
        """Of all bodies in it: they may have been kept before, or by another endpoint."""
        self.secrets: Callable[[], Iterable[str]] = tuple
        """The credentials that are known; they stand in no record."""
        self.redact: Callable[[bytes, Iterable[str]], bytes] = mask
        """Takes out of them what nobody may find, beside what an exchange was sent with."""
        self.dropped = 0
        """Exchanges of which no record could be kept."""
        self.lost = 0
        """Records of former runs that were lost as they were killed, as far as known at the start."""
        self._counter = counter
        self._wall = wall
        self._run = Run(run, wall())
        self._tidied = 0.0
        self._unweighed = 0
        """Bytes of bodies that were kept since the last look at how much they take."""
        self._waiting: deque[Trace] = deque()
        self._in_hand = 0
        self._listeners: list[Listener] = []
        self._models = Names(MODELS)
        self._uncounted: str | None = None

    # The traffic

    def begin(self) -> None:
        """An exchange has begun, which will be added."""
        self._counter.begin()

    def add(self, trace: Trace) -> None:
        """An exchange has ended."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(trace)
        else:
            self.dropped += 1

    @property
    def waiting(self) -> int:
        """How many have ended and were not given to the database yet."""
        return len(self._waiting) + self._in_hand

    async def ask(self, query: Callable[[sqlite3.Connection], Json]) -> Json:
        """What a query finds, beside a writer where that one waits for another process. Raises SetupError."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.database.ask(query)
        except TimeoutError:
            return await asyncio.to_thread(self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], Json]) -> Json:
        with reading(self.database.path) as connection:
            if connection is None:
                raise SetupError(f"{self.database.path} cannot be made or brought up to date now; try again")
            return query(connection)

    # Behind it

    def listen(self, listener: Listener) -> None:
        """Has somebody told of all records to come, in a thread."""
        self._listeners.append(listener)

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        said = [*self.database.warnings()]
        if self._uncounted is not None:
            said.append(self._uncounted)
        if self.dropped:
            said.append(f"{self.dropped} exchanges left no record, since it could not be written in time")
        return tuple(said)

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await asyncio.to_thread(self._open)
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            if self._waiting or self._wall() - self._tidied >= TIDY_EVERY or self._unweighed:
                await asyncio.to_thread(self.flush)

    def _open(self) -> None:
        try:
            self._counter.open()
        except SetupError as error:
            self._uncounted = f"what a crash would lose of the ledger is not counted: {error.message}"

    def flush(self) -> None:
        """Has written what waits."""
        self._in_hand = len(self._waiting)
        traces = [self._waiting.popleft() for _ in range(self._in_hand)]
        secrets = frozenset(self.secrets()) if traces else frozenset[str]()

        @lru_cache(maxsize=64)  # a client sends the same credential again and again
        def knowing(more: tuple[str, ...]) -> Told:
            return teller((*secrets, *more))

        records = [self._record(trace, knowing(trace.secrets)) for trace in traces]
        if records:
            run, dropped, count = self._run, self.dropped, len(records)
            self.database.give(
                lambda connection: write(connection, records, run, dropped, self._models),
                BYTES * count,
                lambda well: self._written(count, well),
            )
            self._keep_contents(traces)
            self._in_hand = 0
            for listener in self._listeners:
                listener(records)
        self._tidy()

    def close(self) -> None:
        """Has written what is left; the run has ended by itself."""
        self.flush()
        run, counter = self._run, self._counter
        if counter.begun:
            self.database.give(lambda connection: run.end(connection, counter.begun, self.dropped))
        self.database.close()
        try:
            counter.close()
        except SetupError as error:
            LOG.warning(error.message)

    def _record(self, trace: Trace, told: Told) -> Record:
        with_estimate(trace)
        bucket = bucket_of(trace, self.costs.providers.get(trace.issuer or ""))
        return record_of(trace, self.costs.of(trace), bucket, told)

    def _keep_contents(self, traces: Sequence[Trace]) -> None:
        for trace in traces:
            if trace.content is not None:
                kept = cut(trace.request_id, trace.started, trace.content, partial(self._redact, trace))
                self._unweighed += kept.size
                self.database.give(partial(keep, kept=kept), kept.size)

    def _redact(self, trace: Trace, data: bytes) -> bytes:
        return self.redact(data, trace.secrets)

    def _written(self, count: int, well: bool) -> None:
        if well:
            self._counter.write(count)
        else:
            self.dropped += count

    def _tidy(self) -> None:
        now, keeping, contents = self._wall(), self.keeping, self.bounds
        if now - self._tidied >= TIDY_EVERY or self._unweighed > contents.size * WEIGH_AT:
            self._tidied, self._unweighed = now, 0

            def work(connection: sqlite3.Connection) -> None:
                # As long as there is more, again soon: one transaction must not keep others waiting.
                more = tidy_contents(connection, contents, now)
                if tidy(connection, keeping, now) or more:
                    self._tidied = 0.0

            self.database.give(work)

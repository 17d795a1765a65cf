"""The service: everything that the endpoint's routes need, put together by the composition root."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from pointsman.canon.json import Json
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.parts import Parts
from pointsman.gateway.pipeline import serve
from pointsman.ledger.tally import Tally
from pointsman.ledger.trace import Trace
from pointsman.server.buffers import Buffers
from pointsman.server.guard import Admission


@dataclass(slots=True)
class Service:
    """One running endpoint."""

    parts: Parts
    admission: Admission
    buffers: Buffers
    started: float
    """Seconds since the epoch."""
    default_dialect: str
    """In which a caller is answered who did not say its dialect."""
    version: str
    describe: Callable[[], Json]
    """The status page's facts about configuration and backends; no secrets."""
    accounts: Callable[[str | None], Json]
    """The accounts page's facts; with a model, as its next request finds them."""
    next_of: Callable[[str], list[Json]]
    """Who would serve a model's next request."""
    reload: Callable[[], Json]
    """Reads the configuration again; what came of it."""
    tally: Tally = field(default_factory=Tally)

    async def carry(self, exchange: Exchange, client: Client, trace: Trace) -> None:
        """Hands a request to the gateway and counts it."""
        await self.count(serve(exchange, client, self.parts, trace), trace)

    async def count(self, work: Coroutine[Any, Any, None], trace: Trace) -> None:
        """Does work that is one exchange, and counts it."""
        self.tally.in_flight += 1
        began = self.parts.clock()
        try:
            await work
        finally:
            self.tally.in_flight -= 1
            trace.duration = self.parts.clock() - began
            self.tally.add(trace)

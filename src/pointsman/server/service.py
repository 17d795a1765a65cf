"""The service: everything that the endpoint's routes need, put together by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pointsman.canon.json import Json
from pointsman.control.reporting import Reporting
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.masking import sent_with
from pointsman.gateway.parts import Parts
from pointsman.gateway.pipeline import serve
from pointsman.ledger.content import Content
from pointsman.ledger.ledger import Ledger
from pointsman.ledger.tally import Tally
from pointsman.ledger.trace import Trace
from pointsman.server.buffers import Buffers
from pointsman.server.guard import Admission
from pointsman.wire.headers import Headers, first


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
    ledger: Ledger
    """Keeps a record of every exchange."""
    reporting: Reporting
    """Tells of every exchange elsewhere."""
    detect: Callable[[Headers, bytes], str]
    """Which program a request comes from."""
    tally: Tally = field(default_factory=Tally)

    def begin(self, trace: Trace) -> Callable[[], None]:
        """An exchange has begun; what is called once it has ended, so that it is counted and recorded."""
        self.tally.in_flight += 1
        self.ledger.begin()
        began = self.parts.clock()

        def end() -> None:
            self.tally.in_flight -= 1
            trace.duration = self.parts.clock() - began
            self.parts.spending.settle(trace)
            self.tally.add(trace)
            self.ledger.add(trace)

        return end

    async def carry(self, exchange: Exchange, client: Client, trace: Trace) -> None:
        """Hands a request to the gateway."""
        trace.client, trace.sent = self.detect(exchange.headers, exchange.body), len(exchange.body)
        trace.secrets = sent_with(exchange.headers, exchange.query)
        trace.traceparent = first(exchange.headers, "traceparent")
        if self.ledger.keeps_contents:
            trace.content = Content(exchange.body)
        await serve(exchange, self.reporting.follow(exchange, client), self.parts, trace)

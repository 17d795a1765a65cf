"""Counting tokens: by the backend where it can, else by an estimate that says that it is one."""

from pointsman.dialects.dialect import Dialect
from pointsman.gateway.estimate import estimate
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import RefusalError
from pointsman.gateway.line import Line
from pointsman.gateway.stream import facts
from pointsman.ledger.trace import Trace
from pointsman.routing.plan import Candidate
from pointsman.wire.json import encode


def counts_itself(candidate: Candidate, dialect: Dialect) -> bool:
    """Whether the backend has a counter in the client's dialect."""
    backend = candidate.backend
    speaks = backend.provider.dialects.get(dialect.name)
    return dialect.name in backend.spoken(candidate.model) and speaks is not None and speaks.count_tokens


def lacks_counter(exchange: Exchange, refusal: RefusalError) -> bool:
    """Whether a backend that is said to count has no such endpoint: its error is not even in the dialect."""
    missing = refusal.upstream_status in {404, 405, 501}
    return (
        exchange.intent.operation == "count_tokens"
        and missing
        and refusal.fault().dialect != exchange.dialect.name
    )


async def count_here(exchange: Exchange, line: Line, trace: Trace) -> None:
    """Answers with an estimate; a header marks it."""
    trace.form = "estimate"
    body = encode(exchange.dialect.count_answer(estimate(exchange.request())))
    head = (
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("x-pointsman-estimate", "true"),
        *facts(trace),
    )
    await line.commit(200, head, ours=True)
    await line.finish(body)

"""Counting tokens: by the backend where it can, in whichever dialect, else by an estimate that says so."""

from collections.abc import Mapping

from pointsman.canon.errors import GarbledError
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.estimate import estimate
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import RefusalError
from pointsman.gateway.line import Line
from pointsman.gateway.prepare import Prepared
from pointsman.gateway.stream import facts
from pointsman.gateway.whole_json import read_json, say_json
from pointsman.ledger.trace import Trace
from pointsman.routing.plan import Candidate
from pointsman.upstream.transport import Incoming

_REFUSED = frozenset({400, 403, 404, 405, 422, 501})
"""Statuses with which an API says that it does not count this model, or not for this account."""


def counting_dialect(
    exchange: Exchange, candidate: Candidate, dialects: Mapping[str, Dialect]
) -> Dialect | None:
    """The dialect in which the backend counts a model's tokens, the client's own if it does; or none."""
    backend = candidate.backend
    rows = backend.provider.dialects
    spoken = [name for name in backend.bases if name in rows and rows[name].counts_for(candidate.model)]
    if exchange.dialect.name in spoken:
        return exchange.dialect
    known = (dialects[name] for name in spoken if name in dialects)
    return next((dialect for dialect in known if dialect.count_request is not None), None)


def lacks_counter(exchange: Exchange, prepared: Prepared, refusal: RefusalError) -> bool:
    """Whether a backend that is said to count does not: its error is not even in the dialect, or it refuses
    what another API of its own was asked in the client's stead."""
    if exchange.intent.operation != "count_tokens":
        return False
    if prepared.dialect is not exchange.dialect and refusal.upstream_status in _REFUSED:
        return True
    missing = refusal.upstream_status in {404, 405, 501}
    return missing and refusal.fault().dialect != prepared.dialect.name


def is_translated_count(exchange: Exchange, prepared: Prepared) -> bool:
    """Whether what comes back is a count that the client cannot read as it is."""
    return exchange.intent.operation == "count_tokens" and prepared.form == "translate"


async def count_there(
    exchange: Exchange, prepared: Prepared, incoming: Incoming, line: Line, trace: Trace
) -> None:
    """The backend's own count, in the client's dialect. Raises GarbledError, TruncatedError."""
    read = prepared.dialect.read_count
    answer = await read_json(exchange, incoming, "count of tokens")
    tokens = None if read is None else read(answer)
    if tokens is None:
        raise GarbledError("the backend's answer holds no count of tokens; check its `base_url`")
    await say_json(exchange.dialect.count_answer(tokens), line, facts(trace))


async def count_here(exchange: Exchange, line: Line, trace: Trace) -> None:
    """Answers with an estimate; a header marks it."""
    trace.form = "estimate"
    marked = (("x-pointsman-estimate", "true"), *facts(trace))
    await say_json(exchange.dialect.count_answer(estimate(exchange.request())), line, marked)

"""Errands: requests about an answer that one backend keeps, carried there and back as they are."""

import asyncio
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from pointsman.canon.errors import PointsmanError, UpstreamError
from pointsman.catalog.provider import RateLimits
from pointsman.dialects.stateful import Stateful
from pointsman.gateway.attendance import ClientGoneError, attended
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.judge import judge_head
from pointsman.gateway.line import Line
from pointsman.gateway.masking import secrets_of
from pointsman.gateway.parts import Parts
from pointsman.gateway.prepare import plain_request
from pointsman.gateway.refusal import refuse, without_secrets
from pointsman.gateway.stream import facts
from pointsman.ledger.trace import CLIENT_GONE, Trace
from pointsman.routing.plan import Candidate
from pointsman.routing.snapshot import Backend
from pointsman.upstream.transport import Outgoing
from pointsman.wire import headers as fields

NO_LIMITS = RateLimits()


class Errand(Struct, frozen=True):
    """What is asked of a backend that keeps an answer."""

    method: Literal["GET", "POST", "DELETE"]
    response_id: str
    rest: str
    """What stands behind the id in the path: nothing, `/cancel`, `/input_items`."""
    backend: Backend
    account: str | None = None
    """The one that keeps it, where it is known."""

    def path(self, stateful: Stateful) -> str:
        """Below the backend's base URL."""
        return f"{stateful.root}/{quote(self.response_id, safe='')}{self.rest}"


async def run_errand(exchange: Exchange, errand: Errand, client: Client, parts: Parts, trace: Trace) -> None:
    """Asks the backend and gives its answer to the client, who may leave."""
    line = Line(client, exchange.dialect, trace, parts.clock, stream=exchange.intent.stream, pace=parts.pace)
    try:
        await attended(client, line, parts.pace, _answer(exchange, errand, line, parts, trace))
    except ClientGoneError:
        trace.error = CLIENT_GONE
    except asyncio.CancelledError:
        await line.cut()
        raise


async def _answer(exchange: Exchange, errand: Errand, line: Line, parts: Parts, trace: Trace) -> None:
    backend = errand.backend
    trace.backend, trace.issuer, trace.form = backend.name, backend.provider.name, "relay"
    trace.rule, trace.why = "kept response", f"{backend.name} keeps {errand.response_id}"
    try:
        async with parts.pool.lease(backend, exchange.dialect.name, errand.account) as lease:
            trace.account = lease.account
            line.secrets = secrets_of(lease, backend)
            parts.known.note(line.secrets)
            candidate = Candidate(backend, "", "kept response", trace.why)
            assert exchange.dialect.stateful is not None
            path = errand.path(exchange.dialect.stateful)
            outgoing = plain_request(exchange, errand.method, path, candidate, lease, parts)
            await _relay(exchange, outgoing, line, parts, trace)
    except UpstreamError as error:
        failure: PointsmanError = without_secrets(error, line.secrets)
    except PointsmanError as error:
        failure = error
    else:
        return
    if line.committed:
        await line.fail(failure.fault())
    else:
        await refuse(failure, line, trace)


async def _relay(exchange: Exchange, outgoing: Outgoing, line: Line, parts: Parts, trace: Trace) -> None:
    """Raises UpstreamError."""
    incoming = await parts.transport.send(outgoing)
    try:
        await judge_head(incoming, exchange.dialect, NO_LIMITS, parts.wall())
        await line.commit(incoming.status, (*fields.to_client(incoming.headers), *facts(trace)), ours=False)
        while piece := await incoming.read():
            await line.write(piece)
        await line.finish()
    finally:
        await incoming.close()

"""The pipeline: one request's way from its plan to its last byte. Read `answer` first."""

import asyncio
from collections.abc import Callable

from msgspec import structs

from pointsman.canon.errors import PointsmanError, RefusedError, UnknownModelError, UpstreamError
from pointsman.dialects.dialect import Asked, Dialect
from pointsman.gateway.amend import amend
from pointsman.gateway.attendance import ClientGoneError, attended
from pointsman.gateway.counting import (
    count_here,
    count_there,
    counting_dialect,
    is_translated_count,
    lacks_counter,
)
from pointsman.gateway.embedded import embed_there
from pointsman.gateway.embedding import EMBEDDING
from pointsman.gateway.estimate import estimate
from pointsman.gateway.event_stream import framed
from pointsman.gateway.exchange import Client, Exchange, check_turns
from pointsman.gateway.judge import Form, RefusalError, judge_head
from pointsman.gateway.line import Line
from pointsman.gateway.masking import secrets_of
from pointsman.gateway.parts import Parts
from pointsman.gateway.prepare import Prepared, prepare, upstream_dialect
from pointsman.gateway.refusal import outcome_of, refuse, without_secrets
from pointsman.gateway.riding import with_ride
from pointsman.gateway.state import Conversation, Standing, conversation
from pointsman.gateway.stream import Delivery
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Attempt, Outcome, Wait, attempts
from pointsman.routing.plan import Candidate
from pointsman.upstream.transport import Incoming, reported_losses

CLIENT_GONE = "client_gone"
OTHERS = 5
"""How many of the other possible backends are named."""


async def serve(exchange: Exchange, client: Client, parts: Parts, trace: Trace) -> None:
    """Answers a request, and stops as soon as its client leaves."""
    streams = exchange.intent.stream
    made = exchange.dialect.array
    array = made() if made is not None and exchange.intent.array else None
    line = Line(client, exchange.dialect, trace, parts.clock, stream=streams, pace=parts.pace, array=array)
    try:
        await attended(client, line, parts.pace, answer(exchange, line, parts, trace))
    except ClientGoneError:
        trace.error = CLIENT_GONE
    except asyncio.CancelledError:
        await line.cut()
        raise


async def answer(exchange: Exchange, line: Line, parts: Parts, trace: Trace) -> None:
    """Tries the plan's candidates until one is committed; what failed last is the answer otherwise."""
    failure: PointsmanError | None = None
    try:
        plan = parts.router.plan(exchange.intent.model)
        check_turns(exchange)
        talk = await conversation(exchange, parts)
        trace.others = tuple([f"{other.backend.name}:{other.model}" for other in plan.others[:OTHERS]])
        steps = attempts(plan, parts.patience, parts.random)
        outcome: Outcome | None = None
        while (step := _following(steps.send, outcome)) is not None:
            if isinstance(step, Wait):
                await parts.sleep(step.seconds)
                outcome = None
                continue
            failure = await _attempt(exchange, step, line, parts, trace, talk)
            outcome = outcome_of(failure)
            trace.attempts.append(f"{outcome.kind} {outcome.status}".removesuffix(" 0"))
            if line.committed:
                break
    except PointsmanError as error:
        failure = error
        if isinstance(error, UnknownModelError):
            parts.unknown_model()
    if failure is not None:
        await refuse(failure, line, trace)


def _following(
    send: Callable[[Outcome | None], Attempt | Wait], outcome: Outcome | None
) -> Attempt | Wait | None:
    """The next step of the policy; None when it has none."""
    try:
        return send(outcome)
    except StopIteration:
        return None


async def _attempt(
    exchange: Exchange,
    step: Attempt,
    line: Line,
    parts: Parts,
    trace: Trace,
    talk: Conversation | None,
) -> UpstreamError | None:
    """One try; the error if nothing was committed. `talk`: what it says of kept answers."""
    candidate = step.candidate
    _note(trace, candidate)
    standing = Standing(exchange)
    if talk is not None:
        line.recorder = talk.recorder(candidate)
        standing = talk.before(candidate)
        exchange = standing.exchange
    dialect = _dialect(exchange, candidate, parts)
    if dialect is None:
        await count_here(exchange, line, trace)
        return None
    async with parts.pool.lease(candidate.backend, dialect.name) as lease:
        trace.account = lease.account
        line.secrets = secrets_of(lease, candidate.backend)
        prepared = _standing(prepare(exchange, candidate, dialect, lease, parts), standing)
        try:
            if exchange.seats is not None:
                prepared = with_ride(exchange, prepared, candidate, lease, parts)
            await _exchange_amended(exchange, prepared, line, parts, trace)
        except UpstreamError as error:
            return without_secrets(error, line.secrets)
    return None


def _standing(prepared: Prepared, standing: Standing) -> Prepared:
    """The attempt, with what putting the request before the backend has cost."""
    if standing.why is None:
        return prepared
    losses = (*prepared.losses, *standing.losses)
    return structs.replace(prepared, rewrite=prepared.rewrite or standing.why, losses=losses)


def _dialect(exchange: Exchange, candidate: Candidate, parts: Parts) -> Dialect | None:
    """The dialect to speak to the backend; None where it cannot do what only an estimate can replace.

    Raises UnsupportedError.
    """
    if exchange.intent.operation == "count_tokens":
        return counting_dialect(exchange, candidate, parts.dialects)
    return upstream_dialect(exchange, candidate, parts.dialects)


async def _exchange_amended(
    exchange: Exchange, prepared: Prepared, line: Line, parts: Parts, trace: Trace
) -> None:
    """One exchange; one more where the backend lacks what can be made good here. Raises UpstreamError."""
    try:
        await _exchange(exchange, prepared, line, parts, trace)
    except RefusalError as refusal:
        if lacks_counter(exchange, prepared, refusal):
            await count_here(exchange, line, trace)
            return
        amended = amend(prepared, refusal)
        if amended is None:
            raise
        await _exchange(exchange, amended, line, parts, trace)


async def _exchange(exchange: Exchange, prepared: Prepared, line: Line, parts: Parts, trace: Trace) -> None:
    """Sends the request and delivers the answer. Raises UpstreamError before the commit only."""
    _note_prepared(trace, prepared)
    incoming = framed(await parts.transport.send(prepared.leaving()))
    if prepared.outgoing.engine is not None:
        trace.losses += reported_losses(incoming.headers)
    try:
        form = await _judged(exchange, prepared, incoming, parts)
        if is_translated_count(exchange, prepared):
            await count_there(exchange, prepared, incoming, line, trace)
            return
        if exchange.intent.operation in EMBEDDING and prepared.form == "translate":
            await embed_there(exchange, prepared.dialect, incoming, line, trace)
            return
        asked = _asked(exchange, prepared, parts, form, trace.model or "")
        delivery = Delivery(exchange, prepared, incoming, line, trace, asked, parts=parts)
        await delivery.deliver(form)
    finally:
        await incoming.close()


async def _judged(exchange: Exchange, prepared: Prepared, incoming: Incoming, parts: Parts) -> Form:
    """The form of the answer. Raises RefusedError, GarbledError."""
    try:
        return await judge_head(incoming, prepared.dialect, prepared.limits, parts.wall())
    except RefusalError as refusal:
        if prepared.outgoing.engine is None:
            raise
        # The engine is this program: its error is one of ours, not another server's to be passed on.
        raise RefusedError(refusal.fault()) from refusal


def _asked(exchange: Exchange, prepared: Prepared, parts: Parts, form: Form, serving: str) -> Asked:
    """What the answer's form depends on; only a rendered answer needs more than the model's name.

    `serving` is the model that answers, which the answer names where the request named none.
    """
    model = exchange.intent.model or serving
    asked_form = "stream" if exchange.intent.stream else "whole"
    if prepared.form == "relay" and (form == asked_form or exchange.intent.operation != "generate"):
        return Asked(model, exchange.request_id, int(parts.wall()))
    request = exchange.request()
    return Asked(
        model=model,
        message_id=exchange.request_id,
        created=int(parts.wall()),
        include_usage=bool(request.include_usage),
        call_form=request.call_form,
        input_estimate=estimate(request),
        body=exchange.asked or exchange.members(),
    )


def _note(trace: Trace, candidate: Candidate) -> None:
    trace.backend = candidate.backend.name
    trace.issuer = candidate.backend.provider.name
    trace.model = candidate.model
    trace.rule = candidate.rule
    trace.why = candidate.why


def _note_prepared(trace: Trace, prepared: Prepared) -> None:
    trace.form = prepared.form
    trace.upstream_dialect = prepared.dialect.name
    trace.rewrite = prepared.rewrite
    trace.losses = list(prepared.losses)

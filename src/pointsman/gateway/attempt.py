"""The attempt: one candidate and one account, from the lease to the answer's last byte or to the error."""

from functools import cached_property
from http import HTTPStatus

from msgspec import Struct, structs

from pointsman.accounts import flags
from pointsman.accounts.holder import fingerprint, secrets_in
from pointsman.accounts.lease import Lease
from pointsman.accounts.pool import Whose
from pointsman.accounts.verdict import Failure
from pointsman.canon.errors import OwnCredentialError, RefusedError, UpstreamError
from pointsman.canon.intent import EMBEDDING
from pointsman.dialects.dialect import Asked, Dialect
from pointsman.gateway.amend import amend
from pointsman.gateway.asking import Asking
from pointsman.gateway.betas import Betas, refused_flags, with_betas
from pointsman.gateway.counting import (
    count_here,
    count_there,
    counting_dialect,
    is_translated_count,
    lacks_counter,
)
from pointsman.gateway.embedded import embed_there
from pointsman.gateway.estimate import rough_estimate
from pointsman.gateway.event_stream import framed
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.fitness import check_fit
from pointsman.gateway.judge import Form, RefusalError, judge_head
from pointsman.gateway.line import Line
from pointsman.gateway.masking import secrets_of
from pointsman.gateway.parts import Parts
from pointsman.gateway.prepare import Prepared, prepare, upstream_dialect
from pointsman.gateway.refusal import outcome_of, without_secrets
from pointsman.gateway.riding import with_ride
from pointsman.gateway.state import Conversation, Standing
from pointsman.gateway.stream import Delivery
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Attempt
from pointsman.routing.plan import Candidate, Plan
from pointsman.routing.roster import Need
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Backend
from pointsman.routing.window import reported
from pointsman.upstream.transport import Incoming, reported_losses
from pointsman.wire.headers import first
from pointsman.wire.secrets import mask, mask_forms

WORDS = 200
"""Characters of a backend's error that are kept."""
FEWER = 8
"""How often flags are left out of one request."""
REFUSED_KEY = frozenset({401, 403})


class Work(Struct, frozen=True):
    """One request, and everything that its attempts share."""

    exchange: Exchange
    line: Line
    parts: Parts
    trace: Trace
    asking: Asking
    talk: Conversation | None
    """What it says of kept answers."""

    def only(self, candidate: Candidate) -> str | None:
        """The account of a candidate's that keeps what the request goes on from."""
        return None if self.talk is None else self.talk.keeper(candidate)

    def needs(self, plan: Plan) -> list[tuple[Backend, Need]]:
        """What it asks of each candidate's accounts."""
        return [(each.backend, Need(each.model, only=self.only(each))) for each in plan.candidates]


async def attempt(step: Attempt, work: Work) -> UpstreamError | None:
    """One try; the error if nothing was committed. Raises RequestError where the candidate cannot do it."""
    exchange, candidate, line, parts = work.exchange, step.candidate, work.line, work.parts
    note_candidate(work.trace, candidate)
    standing = Standing(exchange)
    if work.talk is not None:
        standing = work.talk.before(candidate)
        exchange = standing.exchange
    if candidate.rule == "fallback":
        check_fit(exchange, candidate, parts)
    parts.spending.reserve(exchange, candidate, work.trace)
    dialect = _dialect(exchange, candidate, parts)
    if dialect is None:
        await count_here(exchange, line, work.trace)
        return None
    try:
        parts.spending.check_halted(candidate.backend.name, work.trace)
        wanted = work.asking.ask(step, dialect.name, work.only(candidate))
        lease = await parts.pool.take(wanted, work.asking.place)
    except UpstreamError as error:
        return error
    turn = Turn(candidate, lease, work)
    try:
        return await _run(turn, standing, dialect)
    finally:
        parts.pool.give_back(candidate.backend, lease)


class Turn(Struct, frozen=True, dict=True):
    """One account's turn at a request."""

    candidate: Candidate
    lease: Lease
    work: Work

    @cached_property
    def whose(self) -> Whose:
        """What the pool keeps its outcome under."""
        return Whose(self.candidate.backend, self.lease.account, self.candidate.model, self.lease.number)


async def _run(turn: Turn, standing: Standing, dialect: Dialect) -> UpstreamError | None:
    """The exchange; the pool hears what becomes of it."""
    work, exchange = turn.work, standing.exchange
    line, parts, trace = work.line, work.parts, work.trace
    trace.account, trace.session = turn.lease.account, work.asking.session
    trace.plan = bool(turn.lease.owner)
    line.secrets = secrets_of(turn.lease, turn.candidate.backend)
    trace.secrets = (*trace.secrets, *line.secrets)
    parts.known.note(line.secrets)
    if work.talk is not None:
        line.recorder = work.talk.recorder(turn.candidate, turn.lease.account)
    began = parts.clock()
    conversation = work.asking.conversation(turn.candidate.backend)
    line.committing = lambda: parts.pool.succeed(turn.whose, conversation, parts.clock() - began)
    betas = _betas(exchange, dialect, turn)
    exchange = betas.exchange
    prepared = _standing(prepare(exchange, turn.candidate, dialect, turn.lease, parts), standing, betas)
    if turn.lease.account == CLIENT_ACCOUNT and prepared.form != "relay":
        raise OwnCredentialError(
            "a credential of your own goes along only with a request that is relayed as it is, and this one "
            f"is not ({prepared.rewrite or 'the backend speaks another dialect'}); give backend "
            f"{turn.candidate.backend.name} a key"
        )
    try:
        if exchange.seats is not None:
            prepared = with_ride(exchange, prepared, turn.candidate, turn.lease, parts)
        await _exchange_amended(exchange, prepared, turn, betas)
    except UpstreamError as error:
        line.committing = None
        error = without_secrets(error, line.secrets)
        _fail(error, turn)
        return error
    if trace.usage is not None:
        parts.pool.spend(turn.whose, trace.usage.total)
    return None


def _fail(error: UpstreamError, turn: Turn) -> None:
    outcome = outcome_of(error, turn.lease.account)
    refused = outcome.status in REFUSED_KEY
    failure = Failure(
        error.message[:WORDS],
        error.kind if isinstance(error, RefusedError) else None,
        fingerprint(secrets_in(turn.lease)) if refused else None,
    )
    turn.work.parts.pool.fail(turn.whose, outcome, failure)


def _betas(exchange: Exchange, dialect: Dialect, turn: Turn) -> Betas:
    """The request with the beta flags that this account takes."""
    parts = turn.work.parts
    refused = flags.refused(parts.pool, turn.whose)
    return with_betas(exchange, dialect, parts.added_betas, refused, parts.betas)


def _standing(prepared: Prepared, standing: Standing, betas: Betas) -> Prepared:
    """The attempt, with what putting the request before the backend has cost."""
    losses = (*prepared.losses, *standing.losses, *betas.losses)
    if losses == prepared.losses and standing.why is None:
        return prepared
    return structs.replace(prepared, rewrite=prepared.rewrite or standing.why, losses=losses)


def _dialect(exchange: Exchange, candidate: Candidate, parts: Parts) -> Dialect | None:
    """The dialect to speak to the backend; None where it cannot do what only an estimate can replace.

    Raises UnsupportedError.
    """
    if exchange.intent.operation == "count_tokens":
        return counting_dialect(exchange, candidate, parts.dialects)
    return upstream_dialect(exchange, candidate, parts.dialects)


async def _exchange_amended(exchange: Exchange, prepared: Prepared, turn: Turn, betas: Betas) -> None:
    """One exchange; one more where the backend lacks what can be made good here. Raises UpstreamError."""
    try:
        await _exchange(exchange, prepared, turn)
    except RefusalError as refusal:
        if refusal.upstream_status == HTTPStatus.UNAUTHORIZED and turn.lease.renew is not None:
            fresh = await _renewed(turn, prepared.dialect)
            if fresh is None:
                raise
            again = prepare(betas.exchange, turn.candidate, prepared.dialect, fresh.lease, turn.work.parts)
            again = structs.replace(again, losses=prepared.losses, rewrite=prepared.rewrite)
            await _exchange(betas.exchange, again, fresh)
            return
        if lacks_counter(exchange, prepared, refusal):
            await count_here(exchange, turn.work.line, turn.work.trace)
            return
        unwanted = _refused_flags(refusal, prepared, turn, betas)
        if unwanted:
            await _without_flags(exchange, prepared, turn, refusal, unwanted)
            return
        amended = amend(prepared, refusal)
        if amended is None:
            raise
        await _exchange(exchange, amended, turn)


async def _without_flags(
    exchange: Exchange, prepared: Prepared, turn: Turn, refusal: RefusalError, first: frozenset[str]
) -> None:
    """Leaves out what is refused, as long as something is; what it took is remembered. Raises UpstreamError.

    Where it was not about flags, the client gets the first answer: it may know what to leave out.
    """
    pool, gone, later = turn.work.parts.pool, first, refusal
    for _ in range(FEWER):
        flags.refuse(pool, turn.whose, gone)
        fewer = _betas(exchange, prepared.dialect, turn)
        again = prepare(fewer.exchange, turn.candidate, prepared.dialect, turn.lease, turn.work.parts)
        losses = (*prepared.losses, *fewer.losses)
        try:
            await _exchange(fewer.exchange, structs.replace(again, losses=losses), turn)
        except RefusalError as error:
            if error.upstream_status != refusal.upstream_status:
                raise
            more, later = _refused_flags(error, prepared, turn, fewer) - gone, error
            if not more:
                break
            gone |= more
        else:
            return
    flags.allow(pool, turn.whose, gone)
    raise refusal from later


async def _renewed(turn: Turn, dialect: Dialect) -> Turn | None:
    """The turn with a new token, where the refused one can be renewed; None where that was just tried."""
    renew, parts, backend = turn.lease.renew, turn.work.parts, turn.candidate.backend
    if renew is None or not await renew():
        return None
    lease = await parts.pool.again(backend, turn.lease, dialect.name)
    renewed = secrets_of(lease, backend)
    turn.work.line.secrets = (*turn.work.line.secrets, *renewed)
    turn.work.trace.secrets = (*turn.work.trace.secrets, *renewed)
    parts.known.note(renewed)
    return structs.replace(turn, lease=lease)


def _refused_flags(refusal: RefusalError, prepared: Prepared, turn: Turn, betas: Betas) -> frozenset[str]:
    rows = turn.candidate.backend.provider.dialects
    speaks = rows.get(prepared.dialect.name)
    known = () if speaks is None else speaks.betas
    return refused_flags(refusal, betas.sent, known, turn.work.parts.betas)


async def _exchange(exchange: Exchange, prepared: Prepared, turn: Turn) -> None:
    """Sends the request and delivers the answer. Raises UpstreamError before the commit only."""
    line, parts, trace = turn.work.line, turn.work.parts, turn.work.trace
    _note_prepared(trace, prepared)
    incoming = framed(await parts.transport.send(prepared.leaving()))
    _hear(incoming, prepared, turn)
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


def _hear(incoming: Incoming, prepared: Prepared, turn: Turn) -> None:
    """What the head says of the account's limits."""
    parts = turn.work.parts
    trace = turn.work.trace
    told = reported(incoming.headers, prepared.limits, turn.candidate.model, parts.wall())
    if told is not None and told.claim is not None:
        # It is shown to people, and the upstream may say anything.
        told = structs.replace(told, claim=mask_forms(mask(told.claim, trace.secrets)))
    parts.pool.hear(turn.whose, told)
    trace.upstream_id = first(incoming.headers, prepared.dialect.request_id_header)
    trace.windows, trace.claim = ((), None) if told is None else (told.windows, told.claim)
    if incoming.status == HTTPStatus.OK:
        parts.spending.note(trace, turn.candidate.backend.provider)


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
        input_estimate=rough_estimate(request),
        body=exchange.asked or exchange.members(),
    )


def note_candidate(trace: Trace, candidate: Candidate) -> None:
    """Who is tried."""
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

"""The pipeline: one request's way from its plan to its last byte. Read `answer` first."""

import asyncio
from collections.abc import Callable

from pointsman.accounts.brought import bearing
from pointsman.canon.errors import OwnCredentialError, PointsmanError, RequestError, UnknownModelError
from pointsman.gateway.asking import Asking
from pointsman.gateway.attempt import Work, attempt
from pointsman.gateway.attendance import ClientGoneError, attended
from pointsman.gateway.exchange import Client, Exchange, check_turns
from pointsman.gateway.failures import Failures
from pointsman.gateway.line import Line
from pointsman.gateway.parts import Parts
from pointsman.gateway.refusal import outcome_of, refuse
from pointsman.gateway.state import conversation
from pointsman.ledger.trace import CLIENT_GONE, Trace
from pointsman.routing.attempts import Outcome, Pause, Queue, Step, attempts
from pointsman.routing.plan import Candidate, Plan

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
    """Tries the plan's candidates until one is committed; the failure that tells most is the answer else."""
    failure: PointsmanError | None = None
    try:
        guests = parts.router.snapshot.guests
        bears = bearing(exchange.headers, guests.values()) if guests else ()
        # A client may have put a key in the place of the model's name.
        trace.secrets = (*trace.secrets, *parts.known.within(exchange.intent.model or ""))
        plan = parts.router.plan(exchange.intent.model, bears)
        check_turns(exchange)
        plan = parts.spending.permit(exchange, plan)
        talk = await conversation(exchange, parts)
        trace.others = tuple([f"{other.backend.name}:{other.model}" for other in plan.others[:OTHERS]])
        work = Work(exchange, line, parts, trace, Asking(exchange, parts, plan, talk), talk)
        failure = await _course(plan, work)
    except PointsmanError as error:
        failure = error
        if isinstance(error, UnknownModelError):
            parts.unknown_model()
    if failure is not None:
        line.secrets = line.secrets or parts.known.within(failure.message)
        await refuse(failure, line, trace)


async def _course(plan: Plan, work: Work) -> PointsmanError | None:
    """Goes through the attempts; the failure to tell of, if none was committed. Raises RequestError."""
    parts, failures = work.parts, Failures(plan, work)
    steps = attempts(plan, parts.patience, parts.random)
    outcome: Outcome | None = None
    while (step := _following(steps.send, outcome)) is not None:
        outcome = None
        if isinstance(step, Pause):
            await parts.sleep(step.seconds)
        elif isinstance(step, Queue):
            await parts.pool.wait(work.needs(plan), work.asking.place)
        else:
            try:
                error: PointsmanError | None = await attempt(step, work)
            except RequestError as unfit:
                if not _goes_on(unfit, step.candidate, plan):
                    raise
                error = unfit
            outcome = outcome_of(error, work.trace.account or "")
            failures.note(step.candidate, error, outcome)
            if work.line.committed:
                return None
    return failures.telling()


def _goes_on(unfit: RequestError, candidate: Candidate, plan: Plan) -> bool:
    """Whether the next candidate is asked: a fallback that cannot do it is skipped, and the model's own
    backend where it would need a credential that its client brings for relayed requests alone."""
    if candidate is not plan.candidates[0]:
        return True
    return isinstance(unfit, OwnCredentialError) and len(plan.candidates) > 1


def _following(send: Callable[[Outcome | None], Step], outcome: Outcome | None) -> Step | None:
    """The next step of the policy; None when it has none."""
    try:
        return send(outcome)
    except StopIteration:
        return None

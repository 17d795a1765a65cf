"""Refusals: how an error before the commit counts for the policy, and how it reaches the client."""

from msgspec import structs

from pointsman.accounts.lease import Lease
from pointsman.canon.errors import Fault, PointsmanError, RefusedError, StaleError, UpstreamError
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import RefusalError
from pointsman.gateway.line import Line
from pointsman.gateway.stream import facts
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Outcome
from pointsman.wire import headers as fields
from pointsman.wire.secrets import mask

_CREDENTIAL_STATUSES = frozenset({401, 403})
_ENTITY = frozenset({"content-type", "content-length", "content-encoding"})


def outcome_of(failure: UpstreamError | None) -> Outcome:
    """What an attempt's end means for the attempts to come."""
    if failure is None:
        return Outcome("committed")
    if isinstance(failure, RefusedError):
        fault = failure.fault()
        return Outcome("refused", fault.status, fault.retry_after)
    return Outcome("stale" if isinstance(failure, StaleError) else "unreachable", failure.status)


def without_secret(error: UpstreamError, lease: Lease) -> UpstreamError:
    """The error with the leased credential masked, wherever the upstream repeated it."""
    if lease.secret is None:
        return error
    secrets = (lease.secret.reveal(),)
    if isinstance(error, RefusedError):
        fault = error.fault()
        fault = structs.replace(fault, message=mask(fault.message, secrets), raw=None)
        if isinstance(error, RefusalError):
            body = mask(error.body, secrets)
            return RefusalError(fault, error.upstream_status, error.headers, body)
        return RefusedError(fault)
    error.message = mask(error.message, secrets)
    return error


async def refuse(failure: PointsmanError, exchange: Exchange, line: Line, trace: Trace) -> None:
    """Tells the client. A relayed error goes on as it is, unless it is about our own credential."""
    relayed = isinstance(failure, RefusalError) and trace.form == "relay"
    if relayed and isinstance(failure, RefusalError) and failure.upstream_status not in _CREDENTIAL_STATUSES:
        await _relay(failure, line, trace)
        return
    headers = facts(trace) if trace.backend else ()
    if isinstance(failure, RefusalError):
        kept = fields.to_client(failure.headers)
        headers = (*(pair for pair in kept if pair[0] not in _ENTITY), *headers)
    await line.fail(_named(failure.fault(), trace), headers)


async def _relay(failure: RefusalError, line: Line, trace: Trace) -> None:
    fault = failure.fault()
    if line.headed:
        await line.fail(fault)
        return
    trace.error = fault.code or fault.kind
    kept = (
        pair
        for pair in fields.to_client(failure.headers)
        if pair[0] not in {"content-length", "content-encoding"}
    )
    await line.commit(
        failure.upstream_status,
        (*kept, ("content-length", str(len(failure.body))), *facts(trace)),
        ours=False,
    )
    await line.write(failure.body)
    await line.finish()


def _named(fault: Fault, trace: Trace) -> Fault:
    """An error about a credential says whose it is: the client would look for the fault in its own key."""
    if fault.status not in _CREDENTIAL_STATUSES or trace.backend is None:
        return fault
    return structs.replace(
        fault,
        message=(
            f"backend {trace.backend} refused the key of account {trace.account}: {fault.message}. "
            f"Check it with `pointsman backend test {trace.backend}`."
        ),
    )

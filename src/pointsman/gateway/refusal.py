"""Refusals: how an error before the commit counts for the policy, and how it reaches the client."""

from http import HTTPStatus

from msgspec import structs

from pointsman.canon.errors import (
    Fault,
    FaultKind,
    GarbledError,
    NoAccountError,
    NoCredentialError,
    PointsmanError,
    RefusedError,
    RequestError,
    SilenceError,
    StaleError,
    UpstreamError,
)
from pointsman.gateway.judge import RefusalError
from pointsman.gateway.line import Line, retry_header
from pointsman.gateway.masking import mask_fault, mask_headers
from pointsman.gateway.stream import facts
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Outcome
from pointsman.routing.snapshot import CLIENT_ACCOUNT
from pointsman.wire import headers as fields
from pointsman.wire.json import is_json
from pointsman.wire.secrets import mask

_CREDENTIAL_STATUSES = frozenset({401, 403})


def outcome_of(failure: PointsmanError | None, account: str = "") -> Outcome:
    """What an attempt's end with an account means for the attempts to come."""
    if failure is None:
        return Outcome("committed", account=account)
    if isinstance(failure, RefusedError):
        fault = failure.fault()
        # What the provider says of a client's own credential is its client's to know, and nobody else's.
        final = _meant(fault) in _CREDENTIAL_STATUSES and (account == CLIENT_ACCOUNT or _is_about_it(fault))
        return Outcome("refused", _meant(fault), fault.retry_after, account, final)
    if isinstance(failure, NoAccountError):
        limited = failure.status == HTTPStatus.TOO_MANY_REQUESTS
        return Outcome("out", failure.status, failure.retry_after if limited else None)
    if isinstance(failure, NoCredentialError):
        return Outcome("out", failure.status)
    if isinstance(failure, RequestError):
        return Outcome("unfit", failure.status)
    if isinstance(failure, GarbledError | SilenceError):
        # Whoever speaks something else will go on doing so; whoever is silent may be working on it, and would
        # be paid for it twice.
        return Outcome("silent", failure.status, account=account)
    kind = "stale" if isinstance(failure, StaleError) else "unreachable"
    return Outcome(kind, failure.status, account=account)


_MEANT: dict[FaultKind, int] = {
    "billing": HTTPStatus.PAYMENT_REQUIRED,
    "authentication": HTTPStatus.UNAUTHORIZED,
}
"""What some providers tell with a 400, though no request could mend it: the status that others use."""


def _meant(fault: Fault) -> int:
    return _MEANT.get(fault.kind, fault.status) if fault.status == HTTPStatus.BAD_REQUEST else fault.status


def without_secrets(error: UpstreamError, secrets: tuple[str, ...]) -> UpstreamError:
    """The error with our credentials masked, wherever the upstream repeated them."""
    if isinstance(error, RefusalError):
        plain = mask(error.body, secrets)
        headers = mask_headers(error.headers, secrets)
        sent = error.sent
        if plain != error.body:
            sent = plain
            headers = tuple(pair for pair in headers if pair[0] != "content-encoding")
        return RefusalError(mask_fault(error.fault(), secrets), error.upstream_status, headers, plain, sent)
    if isinstance(error, RefusedError):
        return RefusedError(mask_fault(error.fault(), secrets))
    error.message = mask(error.message, secrets)
    return error


async def refuse(failure: PointsmanError, line: Line, trace: Trace) -> None:
    """Tells the client. A relayed error goes on as it is, unless it is ours or no client could read it."""
    if isinstance(failure, RefusalError) and trace.form == "relay" and _is_for_client(failure, trace):
        await _relay(failure, line, trace)
        return
    headers = facts(trace) if trace.backend else ()
    if isinstance(failure, RefusalError):
        headers = (*fields.without_entity(fields.to_client(failure.headers)), *headers)
    fault = failure.fault()
    meant = _meant(fault)
    if isinstance(failure, RefusedError) and meant in _CREDENTIAL_STATUSES and not _is_about_it(fault):
        fault = _ours(structs.replace(fault, status=meant), trace, keyed=bool(line.secrets))
    await line.fail(fault, headers)


def _is_for_client(failure: RefusalError, trace: Trace) -> bool:
    """Not so: what is about our own credential, a page for people that some proxy made, and the envelope of a
    cloud which serves another's dialect."""
    own = failure.fault().dialect is not None
    ours = _meant(failure.fault()) in _CREDENTIAL_STATUSES and trace.account != CLIENT_ACCOUNT
    return own and (not ours or _is_about_it(failure.fault())) and is_json(failure.body)


def _is_about_it(fault: Fault) -> bool:
    """Whether an error is about the request, though its status speaks of the credential."""
    return fault.kind == "invalid_request"


async def _relay(failure: RefusalError, line: Line, trace: Trace) -> None:
    fault = failure.fault()
    if line.headed:
        await line.fail(fault)
        return
    trace.error = fault.code or fault.kind
    kept = tuple(pair for pair in fields.to_client(failure.headers) if pair[0] != "content-length")
    added = (*retry_header(fault, kept), ("content-length", str(len(failure.sent))), *facts(trace))
    await line.commit(failure.upstream_status, (*kept, *added), ours=False)
    await line.finish(failure.sent)


def _ours(fault: Fault, trace: Trace, *, keyed: bool) -> Fault:
    """An error about our credential says whose it is: the client would look for the fault in its own key."""
    if keyed:
        what, command = f"refused the key of account {trace.account}", "test"
    else:
        what, command = "wants a key, and pointsman has none for it", "add"
    message = (
        f"backend {trace.backend} {what}: {fault.message} (see `pointsman backend {command} {trace.backend}`)"
    )
    return structs.replace(fault, message=message, raw=None)

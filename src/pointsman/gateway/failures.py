"""Failures: what became of a request's attempts, and which of it its client is told."""

from http import HTTPStatus
from math import ceil, inf

from msgspec import Struct, structs

from pointsman.canon.errors import NoAccountError, PointsmanError, RefusedError, RequestError
from pointsman.gateway.attempt import Work, note_candidate
from pointsman.gateway.judge import RefusalError
from pointsman.routing.attempts import ACCOUNT_STATUSES, Outcome
from pointsman.routing.plan import Candidate, Plan

RETRY_FIELDS = frozenset({"retry-after", "retry-after-ms"})


class _Failed(Struct, frozen=True):
    candidate: Candidate
    error: PointsmanError
    account: str | None


class Failures:
    """One request's."""

    def __init__(self, plan: Plan, work: Work) -> None:
        self._plan = plan
        self._work = work
        self._failed: list[_Failed] = []

    def note(self, candidate: Candidate, error: PointsmanError | None, outcome: Outcome) -> None:
        """One attempt's end."""
        trace = self._work.trace
        told = f"{outcome.kind} {outcome.status}".removesuffix(" 0")
        if len(candidate.backend.pool) > 1 or len(self._plan.candidates) > 1:
            told = f"{candidate.backend.name}/{trace.account or '-'} {told}"
        trace.attempts.append(told)
        if error is not None:
            self._failed.append(_Failed(candidate, error, trace.account))

    def telling(self) -> PointsmanError | None:
        """The failure that the client hears of: the latest of the backend that the name leads to.

        That nobody was left to ask says less than what somebody answered.
        """
        if not self._failed:
            return None
        first = [each for each in self._failed if each.candidate is self._plan.candidates[0]]
        found = max(first or self._failed, key=_weight)
        note_candidate(self._work.trace, found.candidate)
        self._work.trace.account = found.account
        return self._with_reset(found.error)

    def _with_reset(self, error: PointsmanError) -> PointsmanError:
        """A limit, with the time at which the first account is open again."""
        fault = error.fault()
        several = sum(len(each.backend.pool) for each in self._plan.candidates) > 1
        if fault.status != 429 or not (several or fault.retry_after is None):
            return error
        pool = self._work.parts.pool
        opens = pool.opens(self._work.needs(self._plan))
        after = max(0.0, opens - pool.clock())
        if isinstance(error, NoAccountError) and opens != inf:
            return NoAccountError(self._all_out(error, after), error.kind, error.status, after)
        if opens == inf or not isinstance(error, RefusalError):
            return error
        headers = tuple(pair for pair in error.headers if pair[0] not in RETRY_FIELDS)
        fault = structs.replace(fault, retry_after=after)
        return RefusalError(fault, error.upstream_status, headers, error.body, error.sent)

    def _all_out(self, error: NoAccountError, after: float) -> str:
        """Its words, where the fallbacks were asked as well."""
        if len(self._plan.candidates) == 1:
            return error.message
        others = ", ".join(f"{each.backend.name}:{each.model}" for each in self._plan.candidates[1:])
        first = error.message.rpartition("; ")[0]
        return (
            f"{first}, and none of its fallbacks ({others}) can answer either; ask again in {ceil(after)} s"
        )


def _weight(failed: _Failed) -> int:
    """What tells the client most: that its request is wrong; when it may ask again; that something broke;
    whose key was refused; and least, that nobody was left to ask. Of equals the first is told."""
    error = failed.error
    if isinstance(error, NoAccountError):
        return 2 if error.status == HTTPStatus.TOO_MANY_REQUESTS else 0
    if isinstance(error, RequestError):
        return 0
    status = error.fault().status if isinstance(error, RefusedError) else 0
    if status and status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in ACCOUNT_STATUSES:
        return 4
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return 3
    return 1 if status in ACCOUNT_STATUSES else 2

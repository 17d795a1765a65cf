"""Explaining: the same plan that a request would get, in words and as data."""

from collections.abc import Iterable

from pointsman.canon.errors import UnknownModelError
from pointsman.canon.json import Json
from pointsman.routing.plan import Candidate, Plan
from pointsman.routing.router import Router


def explain(router: Router, model: str, dialects: Iterable[str]) -> Json:
    """Where `model` leads, by which rule, what else was possible, and who would be relayed."""
    try:
        plan = plan_of(router, model)
    except UnknownModelError as error:
        return {"asked": model, "found": False, "advice": error.message}
    return {
        "asked": model,
        "found": True,
        **_described(plan.candidates[0], dialects),
        "others": [_described(candidate, dialects) for candidate in plan.others],
    }


def plan_of(router: Router, model: str) -> Plan:
    """Who serves a model; where nobody does, who would for clients that bring a credential of their own.

    Raises UnknownModelError.
    """
    try:
        return router.plan(model)
    except UnknownModelError:
        bearing = {each.provider.name for each in router.snapshot.guests.values()}
        if not bearing:
            raise
        return router.plan(model, bearing)


def _described(candidate: Candidate, dialects: Iterable[str]) -> Json:
    served = candidate.backend.spoken(candidate.model)
    spoken = [dialect for dialect in dialects if dialect in served]
    # A client's own credential goes along with what is relayed, and with nothing else.
    brought = candidate.backend.credential == "client"
    return {
        "backend": candidate.backend.name,
        "provider": candidate.backend.provider.title,
        "model": candidate.model,
        "rule": candidate.rule,
        "why": candidate.why,
        "relayed": spoken,
        "translated": [] if brought else [dialect for dialect in dialects if dialect not in spoken],
    }

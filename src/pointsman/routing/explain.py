"""Explaining: the same plan that a request would get, in words and as data."""

from collections.abc import Iterable

from pointsman.canon.errors import UnknownModelError
from pointsman.canon.json import Json
from pointsman.routing.plan import Candidate
from pointsman.routing.router import Router


def explain(router: Router, model: str, dialects: Iterable[str]) -> Json:
    """Where `model` leads, by which rule, what else was possible, and who would be relayed."""
    try:
        plan = router.plan(model)
    except UnknownModelError as error:
        return {"asked": model, "found": False, "advice": error.message}
    return {
        "asked": model,
        "found": True,
        **_described(plan.candidates[0], dialects),
        "others": [_described(candidate, dialects) for candidate in plan.others],
    }


def _described(candidate: Candidate, dialects: Iterable[str]) -> Json:
    served = candidate.backend.spoken(candidate.model)
    spoken = [dialect for dialect in dialects if dialect in served]
    return {
        "backend": candidate.backend.name,
        "provider": candidate.backend.provider.title,
        "model": candidate.model,
        "rule": candidate.rule,
        "why": candidate.why,
        "relayed": spoken,
        "translated": [dialect for dialect in dialects if dialect not in spoken],
    }

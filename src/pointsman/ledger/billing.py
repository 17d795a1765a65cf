"""What an answer was billed to: a plan, what is paid beside it, an API key, or nobody.

docs/billing.md says which claim means which bucket.
"""

from http import HTTPStatus
from typing import Literal, TypeAlias

from pointsman.catalog.provider import Provider
from pointsman.ledger.trace import Trace

Bucket: TypeAlias = Literal["subscription", "subscription_fallback", "extra_usage", "api", "local", "unknown"]

PLAN: frozenset[Bucket] = frozenset({"subscription", "subscription_fallback"})
"""What a plan has paid for already: the cost of such an answer is what its API would have asked."""
BILLED: tuple[Bucket, ...] = ("subscription", "subscription_fallback", "extra_usage", "api")
"""Buckets in which each answer has a price, known or not."""
_FREE_OF_CHARGE = frozenset({"count_tokens", "kept response"})
"""Operations that nobody is billed for."""
_OVERAGE = "overage"
_FALLBACK = "_fallback"
_WINDOWS = ("five_hour", "seven_day")
"""What the claims of a plan's own windows begin with. `seven_day` is still the plan, and so is
`seven_day_overage_included`, the credit that comes with it (github.com/askalf/dario/pull/672)."""


def bucket_of(trace: Trace, provider: Provider | None) -> Bucket:
    """The bucket of a finished exchange; `unknown` where nobody was billed: no answer came, or a free one."""
    began = trace.error is None or trace.usage is not None or trace.said
    served = trace.status == HTTPStatus.OK and began
    return billed_to(trace, provider) if served and is_billed(trace) else "unknown"


def is_billed(trace: Trace) -> bool:
    """Whether an answer to it costs anybody anything."""
    return trace.operation not in _FREE_OF_CHARGE


def billed_to(trace: Trace, provider: Provider | None) -> Bucket:
    """The bucket of an answer that has begun."""
    if provider is None or trace.backend is None:
        return "unknown"
    if provider.local or provider.engine:
        return "local"
    if trace.claim is not None:
        return _by_claim(trace.claim)
    return "subscription" if trace.plan else "api"


def _by_claim(claim: str) -> Bucket:
    if claim == _OVERAGE:
        return "extra_usage"
    if not claim.startswith(_WINDOWS):
        return "unknown"
    return "subscription_fallback" if claim.endswith(_FALLBACK) else "subscription"

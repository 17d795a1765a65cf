"""Windows: what a provider says of its limits, and how much of each is used up."""

from msgspec import Struct

from pointsman.catalog.provider import RateLimits
from pointsman.wire.headers import Headers


class Window(Struct, frozen=True):
    """One limit."""

    name: str
    """`requests`, `input_tokens`, `five_hour`, `seven_day_opus`, …"""
    utilisation: float
    """0 is unused, 1 is used up; may exceed 1."""
    resets: float | None
    """Seconds since the epoch; None where it is not told."""
    limit: float | None = None
    remaining: float | None = None
    models: tuple[str, ...] = ()
    """Glob patterns, in lower case, of the models that it governs; empty: all of the account's."""


class Reported(Struct, frozen=True):
    """What one answer's head says."""

    windows: tuple[Window, ...] = ()
    claim: str | None = None
    """The window that speaks for the answer: `five_hour`, `seven_day`, `overage`."""
    status: str | None = None
    """The provider's word: `allowed`, `allowed_warning`, `rejected`."""
    overage: str | None = None
    """The provider's word on extra usage, where it is told."""
    reset: float | None = None
    """When what is rejected opens again, in seconds since the epoch."""


def reported(headers: Headers, limits: RateLimits, model: str, now: float) -> Reported | None:
    """What the head of an answer tells; None where it tells nothing."""
    return None

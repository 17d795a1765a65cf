"""A trace: the facts of one exchange, gathered while it runs."""

from dataclasses import dataclass, field

from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage


@dataclass(slots=True)
class Trace:
    """Filled in as the request goes its way; complete after the last byte."""

    request_id: str
    method: str
    path: str
    started: float
    """Seconds since the epoch."""
    dialect: str | None = None
    upstream_dialect: str | None = None
    operation: str | None = None
    stream: bool = False
    asked: str | None = None
    model: str | None = None
    backend: str | None = None
    account: str | None = None
    session: str | None = None
    """The one that the client names, else one of ours."""
    issuer: str | None = None
    """The provider, as its row is named."""
    rule: str | None = None
    why: str | None = None
    others: tuple[str, ...] = ()
    """What else was possible, best first, as `backend:model`."""
    form: str | None = None
    """`relay` or `translate`."""
    rewrite: str | None = None
    """Why a relay was not possible though the dialects are the same."""
    attempts: list[str] = field(default_factory=list[str])
    """One word and status for each: `unreachable`, `refused 529`, `committed`."""
    losses: list[Loss] = field(default_factory=list[Loss])
    status: int | None = None
    first_byte: float | None = None
    """Seconds from the start to the first byte of the answer."""
    duration: float | None = None
    """Seconds."""
    usage: Usage | None = None
    error: str | None = None
    """The code of the error that ended it."""
    tap_stopped: str | None = None
    """What the tap could not follow of the answer: a frame, or all from some place on."""

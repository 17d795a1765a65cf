"""A trace: the facts of one exchange, gathered while it runs."""

from dataclasses import dataclass, field

from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage
from pointsman.ledger.content import Content
from pointsman.routing.budget import Reserved
from pointsman.routing.window import Window

CLIENT_GONE = "client_gone"
"""The error of an exchange whose client left before its end."""


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
    plan: bool = False
    """Whether the account is a person's plan, not a key that is paid by use."""
    key: str | None = None
    """The name of the client's key, where it is not the endpoint's own."""
    client: str | None = None
    """Which program sent it, as far as that can be told."""
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
    reserved: Reserved | None = None
    """What budgets have set aside for it."""
    secrets: tuple[str, ...] = ()
    """The credentials that it was sent with, which an upstream may repeat wherever it says something."""
    content: Content | None = None
    """The bodies, where they are kept."""
    sent: int = 0
    """Bytes of the request's body."""
    said: int = 0
    """Characters of the answer so far."""
    estimated: bool = False
    """Whether the counts are our own estimate, since the answer brought none."""
    stop: str | None = None
    """Why the answer ended; the provider's own word where we have none for it."""
    windows: tuple[Window, ...] = ()
    """What the answer told of the account's limits."""
    claim: str | None = None
    """The limit that it counted against, in the provider's word."""
    upstream_id: str | None = None
    """The provider's id of the exchange."""
    traceparent: str | None = None
    """The field of that name, as the client sent it."""
    reject: str | None = None
    """What was looked at when the request was not let in: a header field's name, never its value."""
    error: str | None = None
    """The code of the error that ended it."""
    tap_stopped: str | None = None
    """What the tap could not follow of the answer: a frame, or all from some place on."""

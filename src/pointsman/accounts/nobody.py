"""Nobody: why no account can serve a request, in words for its client."""

from math import ceil, inf

from pointsman.canon.errors import FaultKind, NoAccountError, NoCredentialError
from pointsman.routing.roster import Roster
from pointsman.routing.snapshot import Backend
from pointsman.routing.standing import Hindrance, Wait

SOON = 1.0
"""Seconds, for what may pass at any moment."""


def no_account(roster: Roster, model: str, wait: Wait | None, now: float) -> NoAccountError:
    """Why nobody can serve, for a person: account by account."""
    hindered = [(alias, each.hindrance(model, now)) for alias, each in roster.standings.items()]
    told = "; ".join(f"{alias}: {hindrance.why}" for alias, hindrance in hindered if hindrance is not None)
    after = None if wait is None or wait.until == inf else max(0.0, wait.until - now)
    if wait is not None and wait.kind == "ours" and after is None:
        after = SOON
    kind, status, advice = _TOLD["limit" if wait is None else wait.kind]
    when = "" if after is None else f" in {ceil(after)} s"
    why = told or (wait.why if wait is not None else "each account has been tried")
    message = f"backend {roster.backend} has no account for {model} now ({why}); {advice}{when}"
    return NoAccountError(message, kind, status, after)


_TOLD: dict[Hindrance, tuple[FaultKind, int, str]] = {
    "limit": ("rate_limit", 429, "ask again"),
    "ours": ("rate_limit", 429, "ask again"),
    "failing": ("overloaded", 503, "ask again"),
    "refused": ("authentication", 401, "enter another key or sign in again, or ask again"),
    "missing": ("authentication", 401, "enter a key (`pointsman accounts add`)"),
}


def nothing_brought(backend: Backend) -> NoCredentialError:
    """The backend takes what its client brings, and this one brings nothing."""
    row = backend.provider
    own = f"set {row.key_env[0]}, or " if row.key_env and backend.credential != "client" else ""
    has = "takes its client's own credential" if backend.credential == "client" else "has no key"
    return NoCredentialError(
        f"backend {backend.name} {has}, and the request brings none: "
        f"{own}send one that begins with `{row.client_credential}`"
    )

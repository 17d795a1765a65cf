"""Brought: a credential of the client's own, which goes to the provider that it belongs to and nowhere else.

It passes only with a request that is relayed as it came (code.claude.com, "LLM gateway configuration"), to
the provider's own host; it is neither kept nor logged, and never sent to a fallback.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from pointsman.accounts.lease import Lease
from pointsman.accounts.secret import Secret
from pointsman.config.urls import is_loopback_host
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Backend
from pointsman.wire.headers import Headers

FIELDS = frozenset({"authorization", "x-api-key"})
"""Where clients send one."""


class Brought(Struct, frozen=True):
    """Shown, it says nothing."""

    fields: Headers
    secret: Secret

    def __repr__(self) -> str:
        return "Brought()"

    def lease(self, backend: Backend) -> Lease:
        """Its use at a backend."""
        issuer = f"{backend.provider.name}:{CLIENT_ACCOUNT}"
        return Lease(CLIENT_ACCOUNT, issuer=issuer, headers=self.fields, secret=self.secret)


def bearing(headers: Headers, backends: Iterable[Backend]) -> tuple[str, ...]:
    """The providers among these for which a request brings a credential."""
    values = [_token(value) for name, value in headers if name in FIELDS]
    if not values:
        return ()
    return tuple(
        each.provider.name
        for each in backends
        if any(value.startswith(each.provider.client_credential) for value in values)
    )


def brought(headers: Headers, backend: Backend, dialect: str, own_key: str | None) -> Brought | None:
    """The credential in a request that a backend may get; None where there is none for it.

    `own_key` opens this endpoint, and goes nowhere.
    """
    prefix = backend.provider.client_credential
    if not prefix or backend.credential == "own":
        return None
    found = [(name, value) for name, value in headers if name in FIELDS]
    tokens = [(name, value, _token(value)) for name, value in found]
    own = [(name, value) for name, value, token in tokens if token.startswith(prefix) and token != own_key]
    if not own or not _belongs(backend, dialect):
        return None
    return Brought(tuple(own), Secret(_token(own[0][1])))


def _token(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else value.strip()


def _belongs(backend: Backend, dialect: str) -> bool:
    """Whether the backend is at the provider's own host, or on this machine by the user's word."""
    host = urlsplit(backend.bases.get(dialect, "")).hostname
    own = urlsplit(backend.provider.root or "").hostname
    return host is not None and (host == own or (backend.credential == "client" and is_loopback_host(host)))

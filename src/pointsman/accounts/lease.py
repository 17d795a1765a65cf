"""A lease: the use of one account by one request. The pool here holds one account."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from pointsman.accounts.auth import SCHEMES
from pointsman.accounts.credentials import Credential, Credentials
from pointsman.accounts.grant import Grant, Sign, SignsIn
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.catalog.provider import AuthScheme, SignIn
from pointsman.config.urls import may_carry_key
from pointsman.routing.snapshot import Backend
from pointsman.wire.headers import CREDENTIALS, Headers

DEFAULT_ACCOUNT = "default"
CREDENTIAL_FIELDS = CREDENTIALS - {"proxy-authorization"}
"""Header fields with which a user may bring a credential of their own."""


class Lease(Struct, frozen=True):
    """Shown, it names the account and nothing else."""

    account: str = DEFAULT_ACCOUNT
    headers: Headers = ()
    """The fields that carry the credential."""
    secret: Secret | None = None
    """To be masked wherever it shows up in an answer."""
    others: tuple[Secret, ...] = ()
    """The other secrets of a credential of several parts; to be masked, too."""
    sign: Sign | None = None
    """Where a credential does not travel, but signs."""

    def __repr__(self) -> str:
        return f"Lease({self.account})"


class Pool:
    """One account for each backend: the key in its environment variable, or in the vault."""

    def __init__(self, credentials: Credentials, sign_ins: Mapping[SignIn, SignsIn] | None = None) -> None:
        self._credentials = credentials
        self._sign_ins = sign_ins or {}

    @asynccontextmanager
    async def lease(self, backend: Backend, dialect: str) -> AsyncGenerator[Lease]:
        """An account's use, as long as the request lasts. Raises NoCredentialError."""
        yield await self._lease(backend, dialect)

    async def _lease(self, backend: Backend, dialect: str) -> Lease:
        scheme = auth_scheme(backend, dialect)
        if scheme == "none" or brings_own_credential(backend):
            return Lease()
        credential = await self._credential(backend)
        sign_in = self._sign_ins.get(backend.provider.sign_in) if backend.provider.sign_in else None
        if credential is None and sign_in is None:
            if needs_key(backend):
                raise NoCredentialError(missing_key(backend))
            return Lease()
        if not may_carry_key(backend.bases[dialect], allow_http=backend.allow_http):
            raise NoCredentialError(
                f"backend {backend.name} is reached over plain http://, where its key would be readable: "
                f"use https://, or set `allow_http = true` on it"
            )
        if credential is not None:
            return Lease(headers=SCHEMES[scheme](credential.secret), secret=credential.secret)
        grant = await sign_in(backend) if sign_in is not None else Grant()
        return Lease(headers=grant.headers, others=grant.secrets, sign=grant.sign)

    async def _credential(self, backend: Backend) -> Credential | None:
        if backend.key_named:
            return self._credentials.from_environment(backend) or await self._stored(backend)
        return await self._stored(backend) or self._credentials.from_environment(backend)

    async def _stored(self, backend: Backend) -> Credential | None:
        if self._credentials.remembered(backend):
            return self._credentials.stored(backend)
        return await asyncio.to_thread(self._credentials.stored, backend)


def auth_scheme(backend: Backend, dialect: str) -> AuthScheme:
    """How a key travels to a backend in a dialect: the dialect's own way, else the provider's."""
    speaks = backend.provider.dialects.get(dialect)
    return (speaks and speaks.auth) or backend.provider.auth


def brings_own_credential(backend: Backend) -> bool:
    """Whether the user's `headers` carry a credential, which then stands alone."""
    return any(name.lower() in CREDENTIAL_FIELDS for name in backend.headers)


def needs_key(backend: Backend) -> bool:
    """Whether a request without a key is not worth sending: servers on one's own machine often take none."""
    row = backend.provider
    optional = row.local or row.engine or row.sign_in or (row.compatible and backend.key_env is None)
    return not optional


def missing_key(backend: Backend) -> str:
    """What to do where a backend has no key."""
    add = f"run `pointsman backend add {backend.name}` again to enter one"
    if backend.key_env is None:
        return f"backend {backend.name} has no key: {add}"
    return f"backend {backend.name} has no key: {backend.key_env} is not set; set it, or {add}"

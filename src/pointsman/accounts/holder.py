"""The holder: from an account to the lease that carries its credential."""

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from msgspec import structs

from pointsman.accounts.auth import SCHEMES
from pointsman.accounts.credentials import Credential, Credentials
from pointsman.accounts.grant import Grant, SignsIn
from pointsman.accounts.lease import Lease, auth_scheme, brings_own_credential, missing_key, needs_key
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError, PointsmanError, UpstreamError
from pointsman.catalog.provider import SignIn
from pointsman.config.urls import may_carry_key
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Account, Backend


class Holder:
    """Keys from the environment and the vault, and a cloud's own credentials."""

    def __init__(self, credentials: Credentials, sign_ins: Mapping[SignIn, SignsIn]) -> None:
        self._credentials = credentials
        self._sign_ins = sign_ins

    async def lease(self, backend: Backend, account: Account, dialect: str) -> Lease:
        """An account's credential, as it travels in a dialect. Raises NoCredentialError."""
        scheme = auth_scheme(backend, dialect)
        empty = Lease(account.alias, issuer=backend.issuer(account))
        if scheme == "none" or brings_own_credential(backend):
            return empty
        credential = await self._credential(backend, account)
        sign_in = self._sign_in(backend, account)
        if credential is None and sign_in is None:
            if needs_key(backend) or account.alias != DEFAULT_ACCOUNT:
                raise NoCredentialError(missing_key(backend, account))
            return empty
        if not may_carry_key(backend.bases[dialect], allow_http=backend.allow_http):
            raise NoCredentialError(
                f"backend {backend.name} is reached over plain http://, where its key would be readable: "
                f"use https://, or set `allow_http = true` on it"
            )
        if credential is not None:
            secret = credential.secret
            return structs.replace(empty, headers=SCHEMES[scheme](secret), secret=secret)
        grant = await sign_in(backend) if sign_in is not None else Grant()
        return structs.replace(
            empty,
            headers=grant.headers,
            others=grant.secrets,
            sign=grant.sign,
            renew=grant.renew,
            owner=grant.owner,
        )

    def _sign_in(self, backend: Backend, account: Account) -> SignsIn | None:
        """A cloud's own credentials stand for the backend's own key."""
        name = backend.provider.sign_in
        return self._sign_ins.get(name) if name and account.alias == DEFAULT_ACCOUNT else None

    def lack(self, backend: Backend, account: Account) -> str:
        """Why an account has no key, as far as can be told without asking a keyring; "" if it has one."""
        if not self._needs(backend, account):
            return ""
        try:
            source = self._credentials.source(backend, account)
        except PointsmanError:
            return "its key cannot be read"
        if source is not None:
            return ""
        return f"{account.key_env} is not set" if account.key_env else "it has no key"

    def _needs(self, backend: Backend, account: Account) -> bool:
        schemes = {auth_scheme(backend, dialect) for dialect in backend.bases}
        if schemes == {"none"} or brings_own_credential(backend):
            return False
        own = account.alias != DEFAULT_ACCOUNT or needs_key(backend) or _is_one_of_several(backend)
        return own and self._sign_in(backend, account) is None

    async def fingerprint(self, backend: Backend, account: Account) -> str | None:
        """What tells one credential of an account from the next; None where it has none that can be had."""
        lease = await self._as_used(backend, account)
        return None if lease is None else fingerprint(secrets_in(lease))

    async def owner(self, backend: Backend, account: Account) -> str | None:
        """Whose limits an account meets: another one's after a change of its key or of the person."""
        lease = await self._as_used(backend, account)
        return None if lease is None else owner_of(lease)

    async def _as_used(self, backend: Backend, account: Account) -> Lease | None:
        try:
            return await self.lease(backend, account, next(iter(backend.bases)))
        except UpstreamError:
            return None

    async def _credential(self, backend: Backend, account: Account) -> Credential | None:
        if account.key_named:
            found = self._credentials.from_environment(backend, account)
            return found or await self._stored(backend, account)
        stored = await self._stored(backend, account)
        return stored or self._credentials.from_environment(backend, account)

    async def _stored(self, backend: Backend, account: Account) -> Credential | None:
        if self._credentials.remembered(backend, account):
            return self._credentials.stored(backend, account)
        return await asyncio.to_thread(self._credentials.stored, backend, account)


def _is_one_of_several(backend: Backend) -> bool:
    """Whether accounts with keys stand beside the backend's own, which then has to have one, too."""
    return len(backend.pool) > 1 and not backend.provider.local


def owner_of(lease: Lease) -> str | None:
    """Whose limits a request with this lease meets; None where nothing tells, as with a cloud's tokens."""
    return lease.owner or (None if lease.secret is None else fingerprint((lease.secret,)))


def secrets_in(lease: Lease) -> tuple[Secret, ...]:
    """What it is used with."""
    return lease.others if lease.secret is None else (lease.secret, *lease.others)


def fingerprint(secrets: Iterable[Secret]) -> str | None:
    """A digest of what an account was used with, from which nobody finds it; None for nothing."""
    told = "\0".join(secret.reveal() for secret in secrets)
    return blake2b(told.encode("utf-8", "replace"), digest_size=8).hexdigest() if told else None

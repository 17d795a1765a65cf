"""A session: the tokens of people who have signed in, as requests use them."""

import asyncio
import time
from collections import defaultdict
from functools import partial
from math import inf
from pathlib import Path

from msgspec import Struct, structs

from pointsman.accounts.grant import Grant
from pointsman.accounts.oauth.record import CorruptRecordError, SignedIn, SignInFile
from pointsman.accounts.oauth.renewal import Clock, Renewal
from pointsman.accounts.oauth.web import Web, over_network
from pointsman.canon.errors import NoCredentialError, PointsmanError, SetupError, UpstreamError
from pointsman.catalog.login import PlanLogin
from pointsman.catalog.provider import Provider
from pointsman.routing.snapshot import Backend

LOOK = 5.0
"""Seconds after which the file is read again: another process may have signed in anew, or out."""
PAUSE = 30.0
"""Seconds after a renewal that failed in which nobody asks again while the token still holds; `LOOK` seconds
where it does not, so that many who wait are not answered one after the other."""


BESIDE = 1.0
"""Seconds that a request waits for a renewal although its token holds."""


class _Known(Struct):
    """What was last read of one provider."""

    kept: SignedIn | None = None
    looked: float = -inf
    failed: float = -inf
    trouble: PointsmanError | None = None
    """How the last renewal failed."""
    looking: "asyncio.Future[SignedIn] | None" = None
    """The look that is under way."""
    forced: float = -inf
    """When a token was last renewed that had been refused."""


class OAuthSignIn:
    """The tokens by provider. One renewal at a time; who need not wait for it does not."""

    def __init__(self, data: Path, web: Web = over_network, clock: Clock = time.time) -> None:
        self._data = data
        self._web = web
        self._clock = clock
        self._known: dict[str, _Known] = defaultdict(_Known)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, backend: Backend) -> Grant:
        """The header field with a token that holds.

        Raises NoCredentialError where a person must sign in, UpstreamError where the provider fails.
        """
        row = backend.provider
        known, lock = self._known[row.name], self._locks[row.name]
        kept = self._current(known)
        if kept is None and lock.locked():
            kept = self._holding(known)
        if kept is None:
            async with lock:
                kept = self._current(known) or await self._looked(row, known)
        fields = (("authorization", f"Bearer {kept.access_token}"),)
        renew = partial(self._renew, row, kept.access_token)
        return Grant(fields, (kept.access,), renew=renew, owner=f"{kept.issuer} {kept.subject}")

    def forget(self) -> None:
        """Reads the files again from now on: somebody may have signed in, or out."""
        for known in self._known.values():
            known.looked = -inf

    async def _renew(self, row: Provider, refused: str) -> bool:
        known = self._known[row.name]
        async with self._locks[row.name]:
            now, kept = self._clock(), self._current(known)
            if kept is not None and kept.access_token != refused:
                return True
            if now < known.forced + PAUSE:
                return False
            known.forced = now
            await asyncio.to_thread(self._replace, row, known, refused)
            return True

    def _replace(self, row: Provider, known: _Known, refused: str) -> None:
        """Another token than the one that was refused; not for the event loop. Raises UpstreamError."""
        renewal = renewal_of(row, self._data, self._web, self._clock)
        try:
            known.kept = renewal.renewed(structs.replace(renewal.kept(), access_token=refused))
        except SetupError as error:
            raise NoCredentialError(f"the token could not be renewed: {error.message}") from error
        known.looked = self._clock()

    async def _looked(self, row: Provider, known: _Known) -> SignedIn:
        """With a new token where one is due; a slow provider is not waited for while the old one holds."""
        if known.looking is None or known.looking.done():
            known.looking = asyncio.ensure_future(asyncio.to_thread(self._look, row, known))
        holding = self._holding(known)
        if holding is not None:
            await asyncio.wait({known.looking}, timeout=BESIDE)
            if not known.looking.done():
                return holding
        return await known.looking

    def _holding(self, known: _Known) -> SignedIn | None:
        """What was last read, if its token still holds."""
        return known.kept if known.kept is not None and self._clock() < known.kept.expires else None

    def _current(self, known: _Known) -> SignedIn | None:
        """The same, if that was just now."""
        return self._holding(known) if self._clock() < known.looked + LOOK else None

    def _look(self, row: Provider, known: _Known) -> SignedIn:
        """Reads the file and renews what ends soon; not for the event loop. Raises UpstreamError."""
        try:
            known.kept = self._fresh(renewal_of(row, self._data, self._web, self._clock), known)
        except UpstreamError:
            known.kept = None
            raise
        except SetupError as error:
            known.kept = None
            raise NoCredentialError(f"the token could not be renewed: {error.message}") from error
        known.looked = self._clock()
        return known.kept

    def _fresh(self, renewal: Renewal, known: _Known) -> SignedIn:
        """With a new token where one is due; as it is where that fails and the old one still holds."""
        kept, now = renewal.kept(), self._clock()
        if not renewal.due(kept):
            return kept
        if now < kept.expires and now < known.failed + PAUSE:
            return kept
        if known.trouble is not None and now < known.failed + LOOK:
            raise known.trouble.with_traceback(None)
        try:
            return renewal.renewed(kept)
        except PointsmanError as error:
            known.failed, known.trouble = self._clock(), error
            # Raises where the sign-in itself has ended.
            if renewal.kept().expires <= self._clock():
                raise
            return kept


def command(row: Provider) -> str:
    """What a person types to sign in at a provider."""
    return f"pointsman login {(row.login and row.login.name) or row.name}"


def whose(row: Provider, data: Path) -> str:
    """Whose credentials are used without a key: the `cloud`'s, a `person`'s, or `nobody`'s yet.

    `ended` where a person must sign in again. Raises SetupError.
    """
    if row.login is None:
        return "cloud"
    try:
        kept = SignInFile(data, row.name).look()
    except CorruptRecordError:
        return "ended"
    if kept is None:
        return "nobody"
    return "person" if kept.ended is None else "ended"


def renewal_of(row: Provider, data: Path, web: Web = over_network, clock: Clock = time.time) -> Renewal:
    """A provider's sign-in. Raises NoCredentialError where it offers none."""
    if not isinstance(row.login, PlanLogin):
        raise NoCredentialError(f"{row.title} has no sign-in whose tokens are renewed")
    return Renewal(row.login, SignInFile(data, row.name), command(row), web, clock)

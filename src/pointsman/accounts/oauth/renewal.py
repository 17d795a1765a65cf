"""Renewal: a sign-in's access token, made new before its end, by one at a time on this machine."""

import logging
from collections.abc import Callable
from typing import TypeAlias

from msgspec import structs

from pointsman.accounts.oauth.issuer import discover
from pointsman.accounts.oauth.record import CorruptRecordError, SignedIn, SignInFile
from pointsman.accounts.oauth.tokens import RefusedGrantError, Tokens, renew
from pointsman.accounts.oauth.web import Web
from pointsman.canon.errors import NoCredentialError
from pointsman.catalog.login import PlanLogin

EARLY = 300.0
"""Seconds before its end at which a token is renewed."""
SHARE = 0.2
"""Of a short life; what is left of it when it is renewed."""
LOG = logging.getLogger(__name__)
Clock: TypeAlias = Callable[[], float]
"""Seconds since the epoch."""


class Renewal:
    """One provider's sign-in. Its methods block.

    They raise NoCredentialError, which says what to do, and SetupError.
    """

    def __init__(self, login: PlanLogin, file: SignInFile, command: str, web: Web, clock: Clock) -> None:
        """`command` is what the person types to sign in."""
        self._login = login
        self._file = file
        self._command = command
        self._web = web
        self._clock = clock

    def kept(self) -> SignedIn:
        """What is kept, as it is."""
        return self._good(self._file.read)

    def _good(self, read: Callable[[], SignedIn | None]) -> SignedIn:
        try:
            found = read()
        except CorruptRecordError as error:
            LOG.warning("the file of a sign-in was corrupt and is now %s", error)
            raise NoCredentialError(
                f"the file of the sign-in was corrupt and is now {error}; sign in again: `{self._command}`"
            ) from error
        if found is None:
            raise NoCredentialError(f"nobody is signed in: run `{self._command}`")
        if found.ended is not None:
            raise self._over(found.ended)
        return found

    def due(self, kept: SignedIn) -> bool:
        """Whether its token ends soon."""
        early = min(EARLY, kept.life * SHARE) if kept.life else EARLY
        return kept.expires - early < self._clock()

    def fresh(self) -> SignedIn:
        """A sign-in whose token holds for some minutes more."""
        kept = self.kept()
        return self.renewed(kept) if self.due(kept) else kept

    def renewed(self, seen: SignedIn) -> SignedIn:
        """One with another token than `seen`: whoever comes second takes what the first was given."""
        with self._file.held():
            kept = self._good(self._file.read_held)
            if kept.access_token != seen.access_token and not self.due(kept):
                return kept
            if kept.refresh_token is None:
                raise self._end(kept, "it cannot be renewed")
            # A full disk is found out now, and not when the refresh token has been spent.
            self._file.write(kept)
            try:
                tokens = self._ask(kept, kept.refresh_token)
            except RefusedGrantError as error:
                raise self._end(kept, f"the provider no longer takes it: {error}") from error
            found = self._with(kept, tokens)
            if self._login.needed not in found.scopes:
                raise self._end(found, f"the permission `{self._login.needed}` was withdrawn")
            self._file.write(found)
            return found

    def _ask(self, kept: SignedIn, refresh: str) -> Tokens:
        issuer = discover(kept.issuer, self._web)
        return renew(
            issuer,
            self._web,
            self._login.ended_by,
            client_id=kept.client,
            refresh_token=refresh,
            resource=self._login.resource,
        )

    def _with(self, kept: SignedIn, tokens: Tokens) -> SignedIn:
        return structs.replace(
            kept,
            access_token=tokens.access.reveal(),
            # RFC 6749, section 6: where no new one comes, the old one stays.
            refresh_token=kept.refresh_token if tokens.refresh is None else tokens.refresh.reveal(),
            expires=self._clock() + tokens.life,
            life=tokens.life,
            scopes=kept.scopes if tokens.scopes is None else tokens.scopes,
        )

    def _end(self, kept: SignedIn, why: str) -> NoCredentialError:
        """Written down, so that nobody asks again with a token that is of no more use."""
        self._file.write(structs.replace(kept, access_token="", refresh_token=None, expires=0.0, ended=why))
        return self._over(why)

    def _over(self, why: str) -> NoCredentialError:
        return NoCredentialError(f"the sign-in has ended ({why}); sign in again: `{self._command}`")

"""Signing in: OpenID Connect's code flow with PKCE, from the address to the record; or to a key."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from pointsman.accounts.oauth.attempt import Attempt, Chance, Redirected, begin, read
from pointsman.accounts.oauth.identity import Expected, Identity, verified
from pointsman.accounts.oauth.issuer import Issuer, discover, keys
from pointsman.accounts.oauth.library import address, with_query
from pointsman.accounts.oauth.record import SignedIn
from pointsman.accounts.oauth.renewal import Clock
from pointsman.accounts.oauth.tokens import Tokens, exchange_for_key, redeem
from pointsman.accounts.oauth.web import Web
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.catalog.login import KeyLogin, PlanLogin


class Way(Protocol):
    """How a person gets to the provider, and how the answer comes back."""

    def redirect(self, path: str, *, shows_code: bool = False) -> str | None:
        """The address to come back to; None where the provider shows a code instead, as it can."""
        ...

    def answer(self, attempt: Attempt, address: str) -> str:
        """Sends the person to an address; what came back. Raises NoCredentialError."""
        ...


class Surroundings(Struct, frozen=True):
    """What comes from outside."""

    web: Web
    clock: Clock
    chance: Chance


def sign_in(
    login: PlanLogin, way: Way, around: Surroundings, *, machine: str, before: SignedIn | None = None
) -> SignedIn:
    """The person who has signed in, with their tokens. Raises NoCredentialError, UpstreamError, SetupError.

    `before` is the sign-in whose client id is used again: the same person's.
    """
    issuer = discover(login.issuer, around.web)
    attempt = begin(way.redirect(login.path) or "", around.chance)
    client = login.client if before is None else before.client
    fields = _asked(login, attempt, _extra(login, machine, first=before is None))
    there = address(issuer.authorization_endpoint, client, fields)
    redirected = read(attempt, way.answer(attempt, there), issuer.issuer)
    client = _client(login, redirected, before)
    tokens = redeem(
        issuer,
        around.web,
        redirect_uri=attempt.redirect,
        code=redirected.code,
        code_verifier=attempt.verifier,
        client_id=client,
        resource=login.resource,
    )
    expected = Expected(issuer.issuer, client, attempt.nonce, tokens.access, around.clock())
    person = _person(issuer, tokens, expected, around.web)
    _check_same(before, person.subject)
    return SignedIn(
        issuer=issuer.issuer,
        client=client,
        subject=person.subject,
        who=person.who,
        scopes=_granted(login, tokens),
        access_token=tokens.access.reveal(),
        refresh_token=None if tokens.refresh is None else tokens.refresh.reveal(),
        expires=around.clock() + tokens.life,
        life=tokens.life,
    )


def _check_same(before: SignedIn | None, subject: str) -> None:
    if before is not None and before.subject != subject:
        raise NoCredentialError(
            "another person has signed in than before; nothing was changed. To begin anew with another one, "
            "forget the one before with `pointsman logout`"
        )


def _extra(login: PlanLogin, machine: str, *, first: bool) -> Mapping[str, str]:
    named = {} if login.machine is None else {login.machine: machine}
    return {**named, **login.first} if first else named


def _asked(login: PlanLogin, attempt: Attempt, extra: Mapping[str, str]) -> dict[str, str]:
    """What the address holds beside the client."""
    resource = {} if login.resource is None else {"resource": login.resource}
    return {
        "redirect_uri": attempt.redirect,
        "scope": " ".join(login.scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
        **resource,
        **extra,
    }


def _client(login: PlanLogin, redirected: Redirected, before: SignedIn | None) -> str:
    """The client id that the tokens are for: never the one that every first sign-in begins with."""
    if before is not None:
        if redirected.client not in {None, before.client}:
            raise NoCredentialError("the provider answered for another client; nothing was changed")
        return before.client
    issued = redirected.client
    if issued is None or issued == login.client:
        raise NoCredentialError(
            "the provider issued no client id with the code; paste the whole address that the browser was "
            "sent back to, not the code alone"
        )
    return issued


def _person(issuer: Issuer, tokens: Tokens, expected: Expected, web: Web) -> Identity:
    if tokens.identity is None:
        raise NoCredentialError("the provider did not say who has signed in; nothing was changed")
    return verified(tokens.identity, keys(issuer, web), expected)


def _granted(login: PlanLogin, tokens: Tokens) -> tuple[str, ...]:
    """The scopes, if the needed one is among them."""
    granted = login.scopes if tokens.scopes is None else tokens.scopes
    if login.needed not in granted:
        raise NoCredentialError(
            f"signed in, but without the permission to use the plan (`{login.needed}` was not granted): sign "
            f"in again and allow it, or see {login.manage}"
        )
    return granted


def issued_key(login: KeyLogin, way: Way, around: Surroundings) -> Secret:
    """The key that a provider issues to a person who has signed in. Raises UpstreamError, SetupError."""
    # These providers hand no state back, so it stands in the path to come back to.
    redirect = way.redirect("/callback/{state}", shows_code=login.shows_code)
    attempt = begin(redirect or "", around.chance)
    shown = {"callback_url": attempt.redirect} if attempt.redirect else {}
    pkce = {"code_challenge": attempt.challenge, "code_challenge_method": "S256"}
    there = with_query(login.address, {**shown, **pkce, **login.extra})
    redirected = read(attempt, way.answer(attempt, there))
    return exchange_for_key(login, around.web, redirected.code, attempt.verifier)


def machine_urn(chance: bytes) -> str:
    """An id for an installation, out of 16 random bytes."""
    return UUID(bytes=chance, version=4).urn

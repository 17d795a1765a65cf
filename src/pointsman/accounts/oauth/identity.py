"""Who has signed in: an ID token, verified (OpenID Connect Core 1.0, section 3.1.3.7)."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct

from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.canon.json import Json

LEEWAY = 60
"""Seconds by which the two clocks may differ."""
ALGORITHMS = ["RS256", "ES256", "PS256"]
"""Asymmetric ones alone: a token that anyone could have signed says nothing."""


class Expected(Struct, frozen=True):
    """What a token must say."""

    issuer: str
    client: str
    nonce: str | None
    access: Secret
    """The token that came with it; its hash is checked where the ID token holds one."""
    now: float
    """Seconds since the epoch."""


class Identity(Struct, frozen=True):
    """A person at an issuer."""

    subject: str
    """Never changes."""
    who: str
    """For people: the address or the name that the issuer gives, or the subject."""


def verified(token: str, keys: Json, expected: Expected) -> Identity:
    """The person. Raises NoCredentialError, saying what is wrong with the token."""
    errors = import_module("joserfc.errors")
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client},
    }
    known = {
        "nonce": expected.nonce,
        "client_id": expected.client,
        "access_token": expected.access.reveal(),
    }
    try:
        known_keys = import_module("joserfc.jwk").KeySet.import_key_set(keys)
        decoded = import_module("joserfc.jwt").decode(token, known_keys, algorithms=ALGORITHMS)
        claims = import_module("authlib.oidc.core").CodeIDToken(
            decoded.claims, decoded.header, options, known
        )
        claims.validate(now=int(expected.now), leeway=LEEWAY)
    except errors.ExpiredTokenError as error:
        raise _wrong("it has expired; is this machine's clock right?") from error
    except (errors.JoseError, ValueError, KeyError, TypeError) as error:
        raise _wrong(_words(error)) from error
    return _person(decoded.claims)


def _person(claims: Mapping[str, Any]) -> Identity:
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise _wrong("it names nobody")
    named = (claims.get(name) for name in ("email", "preferred_username", "name"))
    return Identity(subject, next((each for each in named if isinstance(each, str) and each), subject))


def _words(error: Exception) -> str:
    # Never the message: it may repeat what stood in the token.
    claim = getattr(error, "claim", None)
    return f"`{claim}` is not as it must be" if isinstance(claim, str) else type(error).__name__


def _wrong(what: str) -> NoCredentialError:
    return NoCredentialError(f"the provider's ID token cannot be trusted: {what}; nothing was changed")

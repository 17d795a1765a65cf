"""An issuer: where a provider's sign-in is, by its own discovery document, and its keys."""

import msgspec
from msgspec import Struct

from pointsman.accounts.oauth.web import Call, Web
from pointsman.canon.errors import GarbledError, NoCredentialError, UnreachableError
from pointsman.canon.json import Json
from pointsman.config.urls import may_carry_key

WELL_KNOWN = "/.well-known/openid-configuration"
"""https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig"""


class Issuer(Struct, frozen=True):
    """The members of a discovery document that are used, by their own names."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str | None = None


def discover(issuer: str, web: Web) -> Issuer:
    """What the issuer says of itself. Raises UpstreamError."""
    url = issuer.rstrip("/") + WELL_KNOWN
    try:
        found = msgspec.json.decode(_asked(url, web), type=Issuer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError(f"{url} is no OpenID configuration") from error
    # Section 4.3: an issuer that names another one is not the one that was asked.
    if found.issuer != issuer:
        raise NoCredentialError(f"{url} speaks for another issuer; signing in was given up")
    for each in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        if not may_carry_key(each, allow_http=False):
            raise NoCredentialError(f"{url} names a plain http:// address; signing in was given up")
    return found


def keys(issuer: Issuer, web: Web) -> Json:
    """The published keys (a JWK Set). Raises UpstreamError."""
    try:
        return msgspec.json.decode(_asked(issuer.jwks_uri, web), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError(f"{issuer.jwks_uri} holds no keys") from error


def _asked(url: str, web: Web) -> bytes:
    answer = web(Call(url))
    if answer.status >= 500:
        raise UnreachableError(f"{url} answered with status {answer.status}; try again later")
    if answer.status != 200:
        raise GarbledError(f"{url} answered with status {answer.status}")
    return answer.body

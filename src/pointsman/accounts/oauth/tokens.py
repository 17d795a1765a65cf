"""The token endpoint: a code becomes tokens, a refresh token becomes new ones; one is revoked."""

from collections.abc import Collection

import msgspec
from msgspec import Struct

from pointsman.accounts.oauth.issuer import Issuer
from pointsman.accounts.oauth.library import form, token_request
from pointsman.accounts.oauth.web import JSON, Answer, Call, Web
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import GarbledError, NoCredentialError, UnreachableError, UpstreamError
from pointsman.catalog.login import KeyLogin

USUAL_LIFE = 3600.0
"""Seconds that a token holds whose provider does not say (RFC 6749, section 5.1, leaves it out at times)."""
LONGEST_LIFE = 366 * 86_400.0
"""Seconds; no clock of anybody's has to hold more."""
ENDED = frozenset({"invalid_grant"})
"""RFC 6749, section 5.2: the refresh token is expired, revoked, used up, or another client's."""

BUSY = 429


class RefusedGrantError(Exception):
    """The provider will never take this refresh token again; the message is its error code."""


class Tokens(Struct, frozen=True):
    """What the endpoint issued. Shown, it says nothing."""

    access: Secret
    life: float
    """Seconds that the access token holds."""
    refresh: Secret | None = None
    identity: str | None = None
    """The ID token."""
    scopes: tuple[str, ...] | None = None
    """What was granted; None where the endpoint does not say, which means all that was asked for."""

    def __repr__(self) -> str:
        return "Tokens()"


class _Issued(Struct):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "bearer"
    expires_in: float | str | None = None
    """Seconds; some servers write a text."""
    refresh_token: str | None = None
    id_token: str | None = None
    scope: str | None = None


class _Key(Struct):
    """https://openrouter.ai/docs/api/api-reference/o-auth/exchange-auth-code-for-api-key"""

    key: str


class _Error(Struct):
    """RFC 6749, section 5.2; some put an object in the code's place."""

    error: str | dict[str, object]


def redeem(issuer: Issuer, web: Web, **fields: str | None) -> Tokens:
    """The tokens for a code. Raises UpstreamError."""
    answer = _asked(issuer.token_endpoint, "authorization_code", web, fields)
    if answer.status != 200:
        raise _refused(answer, "the code was not accepted: it may be used up or too old; begin anew")
    return _read(answer)


def renew(issuer: Issuer, web: Web, ended_by: Collection[str] = (), **fields: str | None) -> Tokens:
    """New tokens for a refresh token, which is used up by it. Raises RefusedGrantError, UpstreamError."""
    answer = _asked(issuer.token_endpoint, "refresh_token", web, fields)
    if answer.status != 200:
        code = _code(answer)
        if answer.status < 500 and (code in ENDED or code in ended_by):
            raise RefusedGrantError(code)
        raise _refused(answer, "the token was not renewed")
    return _read(answer)


def revoke(issuer: Issuer, web: Web, client: str, refresh: Secret) -> bool:
    """Whether the provider has ended the sign-in (RFC 7009); False where it offers no way to.

    Raises UpstreamError.
    """
    if issuer.revocation_endpoint is None:
        return False
    fields = {"token": refresh.reveal(), "token_type_hint": "refresh_token", "client_id": client}
    answer = web(Call(issuer.revocation_endpoint, form(fields)))
    if answer.status != 200:
        raise _refused(answer, "the sign-in was not revoked")
    return True


def exchange_for_key(login: KeyLogin, web: Web, code: str, verifier: str) -> Secret:
    """The key that the provider issues for a code. Raises UpstreamError."""
    asked = {"code": code, "code_verifier": verifier, "code_challenge_method": "S256"}
    answer = web(Call(login.exchange, msgspec.json.encode(asked), JSON))
    if answer.status != 200:
        raise _refused(answer, "the code was not accepted: it may be used up or too old; begin anew")
    try:
        key = msgspec.json.decode(answer.body, type=_Key).key
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError("the provider's answer holds no key") from error
    return Secret(_sendable(key))


def _asked(url: str, kind: str, web: Web, fields: dict[str, str | None]) -> Answer:
    return web(Call(url, token_request(kind, fields)))


def _read(answer: Answer) -> Tokens:
    try:
        issued = msgspec.json.decode(answer.body, type=_Issued)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GarbledError("the provider's answer holds no token") from error
    if issued.token_type.lower() != "bearer":
        raise GarbledError("the provider issued a token of a kind that is not known here")
    return Tokens(
        access=Secret(_sendable(issued.access_token)),
        life=_life(issued.expires_in),
        refresh=None if issued.refresh_token is None else Secret(issued.refresh_token),
        identity=issued.id_token,
        scopes=None if issued.scope is None else tuple(issued.scope.split()),
    )


def _life(told: float | str | None) -> float:
    """Seconds; what cannot be read is no reason to lose the tokens that came with it."""
    try:
        return min(max(float(USUAL_LIFE if told is None else told), 0.0), LONGEST_LIFE)
    except ValueError:
        return USUAL_LIFE


def _sendable(value: str) -> str:
    if not (value and value.isascii() and value.isprintable()):
        raise GarbledError("the provider issued a token that no header can carry")
    return value


def _code(answer: Answer) -> str:
    """The error's code, as far as it is one word; never a text that may repeat a token."""
    try:
        error = msgspec.json.decode(answer.body, type=_Error).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    code = error if isinstance(error, str) else error.get("code")
    word = code if isinstance(code, str) else ""
    return word if word.replace("_", "").isalnum() and len(word) < 80 else ""


def _refused(answer: Answer, what: str) -> UpstreamError:
    """What a provider that cannot answer now, or that will not, has said."""
    code = _code(answer)
    kind = UnreachableError if answer.status >= 500 or answer.status == BUSY else NoCredentialError
    return kind(f"{what} (status {answer.status}{f', {code}' if code else ''})")

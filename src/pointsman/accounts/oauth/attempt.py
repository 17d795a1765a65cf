"""One attempt to sign in: what only this program knows of it, and what comes back in the redirect."""

from collections.abc import Callable
from hmac import compare_digest
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from pointsman.accounts.oauth.library import challenge
from pointsman.canon.errors import NoCredentialError

Chance: TypeAlias = Callable[[int], str]
"""A number of bytes → a text of that many random ones, fit for a URL."""
SECRET_BYTES = 32
VERIFIER_BYTES = 48


class Attempt(Struct, frozen=True):
    """Each value serves once. Shown, it says nothing."""

    state: str
    nonce: str
    verifier: str
    redirect: str
    """Where the browser is sent back to."""

    def __repr__(self) -> str:
        return "Attempt()"

    @property
    def challenge(self) -> str:
        """What is shown of the verifier (RFC 7636, S256)."""
        return challenge(self.verifier)


class Redirected(Struct, frozen=True):
    """What the provider sent back. Shown, it says nothing."""

    code: str
    client: str | None = None
    """The client id that was issued with it."""

    def __repr__(self) -> str:
        return "Redirected()"


def begin(redirect: str, chance: Chance) -> Attempt:
    """A new attempt. `{state}` in `redirect` is filled in, for providers that hand no state back."""
    state = chance(SECRET_BYTES)
    redirect = redirect.replace("{state}", state)
    return Attempt(state, chance(SECRET_BYTES), chance(VERIFIER_BYTES), redirect)


def belongs(attempt: Attempt, target: str) -> bool:
    """Whether a request's target is this attempt's redirect: no page on this machine can make it up."""
    path, query = _parts(target)
    wanted, _ = _parts(attempt.redirect)
    if not compare_digest(path.encode(errors="replace"), wanted.encode()):
        return False
    state = query.get("state")
    if attempt.state in wanted:
        return state in {None, attempt.state}
    return state is not None and compare_digest(state.encode(errors="replace"), attempt.state.encode())


def _parts(address: str) -> tuple[str, dict[str, str]]:
    """The path, and the query; nothing of what is no address."""
    try:
        parts = urlsplit(address)
        return parts.path, dict(parse_qsl(parts.query))
    except ValueError:
        return "", {}


def read(attempt: Attempt, given: str, issuer: str | None = None) -> Redirected:
    """What an address says, or a bare code that a person has pasted. Raises NoCredentialError."""
    given = whole(attempt, given)
    if "?" not in given and "://" not in given:
        return Redirected(_present(given))
    if not belongs(attempt, given):
        raise NoCredentialError(
            "that address belongs to another attempt to sign in (its state is not this one's); begin anew"
        )
    _, query = _parts(given)
    # RFC 9207: where the redirect names its issuer, it is the one that was asked.
    if issuer is not None and query.get("iss", issuer) != issuer:
        raise NoCredentialError("the answer comes from another issuer; signing in was given up")
    if "error" in query:
        raise NoCredentialError(_declined(query["error"]))
    return Redirected(_present(query.get("code", "")), query.get("client_id"))


def whole(attempt: Attempt, pasted: str) -> str:
    """What a person has pasted, as an address: without quotes, and with what stands before its query."""
    given = pasted.strip().strip("'\"").strip()
    query = given.removeprefix("?")
    if "?" not in query and "://" not in query and "code=" in query:
        return f"{attempt.redirect}?{query}"
    return given


def _present(code: str) -> str:
    if not code or not (code.isascii() and code.isprintable()) or " " in code:
        raise NoCredentialError("there is no code in what came back; begin anew")
    return code


def _declined(code: str) -> str:
    word = "".join(each for each in code if each.isalnum() or each in "_-.")[:80]
    if word == "access_denied":
        return "signing in was declined; nothing was changed"
    return f"the provider did not let you sign in ({word}); nothing was changed"

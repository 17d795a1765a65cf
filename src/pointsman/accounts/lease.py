"""A lease: the use of one account by one request, and how its credential travels."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from pointsman.accounts.grant import Renew, Sign
from pointsman.accounts.secret import Secret
from pointsman.catalog.provider import AuthScheme
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Account, Backend
from pointsman.wire.headers import CREDENTIALS, Headers

CREDENTIAL_FIELDS = CREDENTIALS - {"proxy-authorization"}
"""Header fields with which a user may bring a credential of their own."""


PUBLIC_FIELDS = frozenset(
    {
        "accept",
        "accept-language",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "http-referer",
        "openai-beta",
        "openai-organization",
        "openai-project",
        "referer",
        "user-agent",
        "x-goog-user-project",
        "x-title",
    }
)
"""Header fields of the user's whose values are known to be no credential; any other's may be one."""
SHORTEST = 8
"""Characters of a value that may be a credential because nothing says otherwise."""
_WORDS = re.compile(r"[\s;,]+")


class Lease(Struct, frozen=True):
    """Shown, it names the account and nothing else."""

    account: str = DEFAULT_ACCOUNT
    number: int = 0
    """Tells it from the other leases of its pool."""
    issuer: str = ""
    """Whose opaque state may go along."""
    strange: bool = False
    """Whether the conversation may hold opaque state of other accounts."""
    headers: Headers = ()
    """The fields that carry the credential."""
    secret: Secret | None = None
    """To be masked wherever it shows up in an answer."""
    others: tuple[Secret, ...] = ()
    """The other secrets of a credential of several parts; to be masked, too."""
    sign: Sign | None = None
    """Where a credential does not travel, but signs."""
    renew: Renew | None = None
    """Where it is a token that can be renewed."""
    owner: str = ""
    """Whose it is, where one person's tokens change."""

    def __repr__(self) -> str:
        return f"Lease({self.account})"


def auth_scheme(backend: Backend, dialect: str) -> AuthScheme:
    """How a key travels to a backend in a dialect: the dialect's own way, else the provider's."""
    speaks = backend.provider.dialects.get(dialect)
    return (speaks and speaks.auth) or backend.provider.auth


def brings_own_credential(backend: Backend) -> bool:
    """Whether the user's `headers` carry a credential, which then stands alone."""
    return any(name.lower() in CREDENTIAL_FIELDS for name in backend.headers)


def configured_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """What is or may be a credential in the header fields that the user configured."""
    for name, value in headers.items():
        if name.lower() in CREDENTIAL_FIELDS:
            yield value.rpartition(" ")[2]
        elif name.lower() not in PUBLIC_FIELDS:
            yield from secrets_among(value)


def secrets_among(value: str) -> Iterator[str]:
    """What may be a credential in a value of several words, as in a cookie."""
    words = (word for word in _WORDS.split(value) if word)
    yield from (each for word in words if len(each := _bare(word)) >= SHORTEST)


def _bare(word: str) -> str:
    """What stands behind a name, as in a cookie."""
    _, _, rest = word.partition("=")
    return rest if rest.strip("=") else word


def needs_key(backend: Backend) -> bool:
    """Whether a request without a key is not worth sending: servers on one's own machine often take none."""
    row = backend.provider
    optional = row.local or row.engine or row.sign_in or (row.compatible and backend.key_env is None)
    return not optional


def missing_key(backend: Backend, account: Account) -> str:
    """What to do where an account has no key."""
    if account.alias != DEFAULT_ACCOUNT:
        add = f"run `pointsman accounts add {backend.name} {account.alias}` again to enter one"
        what = f"account {account.alias} of backend {backend.name} has no key"
    else:
        add = f"run `pointsman backend add {backend.name}` again to enter one"
        what = f"backend {backend.name} has no key"
    if account.key_env is None:
        return f"{what}: {add}"
    return f"{what}: {account.key_env} is not set; set it, or {add}"

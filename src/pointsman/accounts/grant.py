"""A grant: what a cloud's own credentials give for one request, whichever the cloud."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.routing.snapshot import Backend
from pointsman.upstream.transport import Outgoing
from pointsman.wire.headers import Headers

Sign: TypeAlias = Callable[[Outgoing], Outgoing]
"""A request as it leaves → the same with its signature; nothing of it may change behind that."""


Renew: TypeAlias = Callable[[], Awaitable[bool]]
"""Makes a token new that was refused before its time; False where that was tried shortly before.

Raises NoCredentialError where a person must sign in, UpstreamError where the provider fails.
"""


class Grant(Struct, frozen=True):
    """Shown, it says nothing."""

    headers: Headers = ()
    """The fields that carry a token."""
    secrets: tuple[Secret, ...] = ()
    """To be masked wherever they show up in an answer."""
    sign: Sign | None = None
    """Where the credential does not travel, but signs."""
    renew: Renew | None = None
    """Where it is a token that can be renewed."""
    owner: str = ""
    """Whose it is, where one person's tokens change; never a secret."""

    def __repr__(self) -> str:
        return "Grant()"


SignsIn: TypeAlias = Callable[[Backend], Awaitable[Grant]]
"""Raises NoCredentialError, saying what to do; another UpstreamError where asking again may help."""


def missing_library(backend: Backend, library: str, install: str) -> NoCredentialError:
    """What to do where the library of a cloud is not there."""
    return NoCredentialError(
        f"backend {backend.name} has no key, and to use the cloud's own credentials {library} is needed: "
        f"install `{install}`, or set {backend.key_env or 'a key'}"
    )

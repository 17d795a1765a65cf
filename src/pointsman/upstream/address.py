"""An address: a URL taken apart into where to connect to and what to ask for there. Nothing is rewritten."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from pointsman.canon.errors import UnreachableError

PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")


class Place(Struct, frozen=True):
    """Who to connect to."""

    tls: bool
    host: str
    """As a resolver and a certificate know it: in ASCII, without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """Host and port, as a `Host` field has them: without the scheme's own port."""
        usual = PORTS["https" if self.tls else "http"]
        return self._host if self.port == usual else f"{self._host}:{self.port}"

    @property
    def with_port(self) -> str:
        """Host and port in any case, as CONNECT has them."""
        return f"{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


class Address(Struct, frozen=True):
    """A backend's URL."""

    place: Place
    authority: str
    target: str
    """Path and query, byte for byte as they were given."""


class Proxy(Struct, frozen=True):
    """A proxy's URL."""

    place: Place
    credentials: str | None = None
    """`user:password`, decoded."""

    def __repr__(self) -> str:
        return f"Proxy({self.place.authority})"


@lru_cache(maxsize=512)
def address_of(url: str) -> Address:
    """Raises UnreachableError, which never shows what may be a key."""
    parts, place = _split(url)
    if place is None:
        raise UnreachableError(
            "the backend's base URL is not an http or https address; correct its `base_url`"
        )
    if parts.username is not None:
        raise UnreachableError(
            f"the base URL of the backend at {place.authority} holds a user or password; "
            "take them out, and give the key as the backend's key"
        )
    query = f"?{parts.query}" if parts.query else ""
    return Address(place, place.authority, (parts.path or "/") + query)


@lru_cache(maxsize=64)
def proxy_of(url: str) -> Proxy:
    """Raises UnreachableError."""
    parts, place = _split(url)
    if place is None:
        raise UnreachableError("the proxy's URL is not an http or https address; correct it")
    if parts.username is None:
        return Proxy(place)
    return Proxy(place, f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _split(url: str) -> tuple[SplitResult, Place | None]:
    """The URL's parts, and its place if it has one."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # UnicodeError is one
        return urlsplit(""), None
    if parts.scheme not in PORTS or not host or _FORBIDDEN.search(url):
        return parts, None
    return parts, Place(parts.scheme == "https", host, port or PORTS[parts.scheme])

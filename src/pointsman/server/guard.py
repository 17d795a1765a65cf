"""The guard: which Host, Origin and key may come in. Every route is behind it, `/health` without the key.

A page in a browser can reach loopback; the Host check stops DNS rebinding, the Origin check other sites.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from pointsman.canon.errors import ForbiddenError, MalformedError, UnauthorizedError
from pointsman.store.client_keys import PREFIX, ClientKey, digest_of
from pointsman.wire.headers import Headers, first

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "x-pointsman-key")
OPEN_PAGES = frozenset({"/", "/api/hello", "/health"})
"""Pages that say nothing of anybody."""
KEY_QUERY = "key"
"""Where Google's clients may send it instead (https://ai.google.dev/api)."""
_CLOSED = (
    "the file with the keys of this endpoint's clients cannot be read, so nobody is let in; whoever runs it "
    "finds out more with `pointsman keys list`"
)
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::\d*)?")
"""A Host field: an address in brackets or a name, then perhaps a port (RFC 9110, section 7.2)."""


class Admission(Struct, frozen=True):
    """Who may come in."""

    allowed_hosts: frozenset[str] = frozenset()
    """Beside loopback names and IP literals; the bind address is among them."""
    allowed_origins: frozenset[str] = frozenset()
    key: bytes | None = None
    """The endpoint's own key; None where none is set."""
    clients: Mapping[str, ClientKey] = {}
    """The keys of clients, by their digests; revoked ones too."""
    closed: bool = False
    """Whether nobody knows whose keys these are, since their file cannot be read."""

    def check_host(self, headers: Headers) -> None:
        """Raises ForbiddenError, naming the setting; MalformedError for two hosts (RFC 9112, section 3.2)."""
        named = [value for name, value in headers if name == "host"]
        if len(named) > 1:
            raise MalformedError("the request names two hosts; send one `host` field")
        host = named[0] if named else None
        if host is None or not self._host_allowed(hostname(host)):
            raise ForbiddenError(
                f"host `{_shown(host)}` is not allowed here; "
                "add it to `allowed_hosts` if it is this endpoint's name",
                "host",
            )

    def _host_allowed(self, name: str) -> bool:
        return is_local_name(name) or name in self.allowed_hosts or _is_address(name)

    def check_origin(self, headers: Headers) -> str | None:
        """The Origin, if there is one. Raises ForbiddenError, naming the setting."""
        origin = first(headers, "origin")
        if origin is None or origin.lower() in self.allowed_origins:
            return origin
        host = _origin_host(origin)
        if not is_loopback(host):
            advice = (
                "add it to `allowed_origins` if you trust that site"
                if host
                else "it names no site that `allowed_origins` could hold; open the page from a web address"
            )
            raise ForbiddenError(f"origin `{_shown(origin)}` is not allowed here; {advice}", "origin")
        return origin

    def check_key(self, headers: Headers, query: str = "") -> ClientKey | None:
        """Whose key a key header, or `key` in the query, holds; None for the endpoint's own, or where none is
        needed.

        Raises UnauthorizedError.
        """
        if self.key is None and not self.clients:
            if self.closed:
                raise UnauthorizedError(_CLOSED, "no key header")
            return None
        sent = [(name, key_in(value)) for name, value in headers if name in KEY_HEADERS]
        sent += [(f"?{name}", value.encode()) for name, value in parse_qsl(query) if name == KEY_QUERY]
        # Every one is compared, so that the time taken does not tell which one was right.
        matches = [compare_digest(value, self.key) for _, value in sent if self.key is not None]
        if any(matches):
            return None
        found = [(name, self.clients.get(digest_of(value.decode("latin-1")))) for name, value in sent]
        known = next(((name, key) for name, key in found if key is not None), None)
        if known is not None:
            return _in_use(*known)
        seen = ", ".join(dict.fromkeys(name for name, _ in sent)) or "no key header"
        if self.key is None:
            if any(value.startswith(PREFIX.encode()) for _, value in sent):
                raise UnauthorizedError(f"nobody has the client key that the request has in {seen}", seen)
            if all(each.revoked is not None for each in self.clients.values()):
                return None
            raise UnauthorizedError(
                "this endpoint has keys for its clients, and whoever asks needs one; whoever runs it sets "
                f"POINTSMAN_API_KEY, for everything else; the request has {seen}",
                seen,
            )
        raise UnauthorizedError(
            "this endpoint wants its key (POINTSMAN_API_KEY) as `Authorization: Bearer`, `x-api-key`, "
            "`x-goog-api-key` or, beside a credential of yours, `x-pointsman-key`; the request has "
            f"{seen}",
            seen,
        )


def _in_use(name: str, key: ClientKey) -> ClientKey:
    """Raises UnauthorizedError for one that is revoked."""
    if key.revoked is not None:
        raise UnauthorizedError(
            f"the client key {key.name}, which the request has in {name}, was revoked; ask for a new one",
            name,
        )
    return key


def check_may_see(key: ClientKey | None, path: str) -> None:
    """Raises ForbiddenError for a page of the endpoint's that is not for a client's key."""
    if key is not None and path not in OPEN_PAGES and not path.startswith("/models"):
        raise ForbiddenError(f"{path} takes the endpoint's own key; {key.name} is a client's", "key")


def preflight(headers: Headers) -> Headers:
    """The answer to a browser's question before a request from an allowed origin.

    What names the origin stands on every answer to it: browsers refuse one that names it twice.
    """
    asked = first(headers, "access-control-request-headers") or "content-type"
    answer: Mapping[str, str] = {
        "access-control-allow-methods": "GET, POST, DELETE, HEAD, OPTIONS",
        "access-control-allow-headers": asked,
        "access-control-max-age": "600",
    }
    network = first(headers, "access-control-request-private-network") == "true"
    private = (("access-control-allow-private-network", "true"),) if network else ()
    return (*answer.items(), *private)


def shared_with(origin: str) -> Headers:
    """What lets a page of this origin read the answer. Never `*`."""
    return (("access-control-allow-origin", origin), ("vary", "origin"))


def hostname(host: str) -> str:
    """A Host field without its port, its brackets and a closing dot; empty if it is none."""
    match = _HOST.fullmatch(host.strip())
    return (match[1] or match[2] or "").lower().removesuffix(".") if match else ""


def is_local_name(name: str) -> bool:
    """Whether a name stands for this machine: `localhost` and what ends in `.localhost` (RFC 6761)."""
    plain = name.lower().removesuffix(".")
    return plain in LOOPBACK_NAMES or plain.endswith(".localhost")


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine's loopback."""
    return is_local_name(name) or (_is_address(name) and ip_address(name).is_loopback)


def _origin_host(origin: str) -> str:
    """The host in an Origin field; empty where there is none."""
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def key_in(value: str) -> bytes:
    """The key in a header field's value, with its scheme or without."""
    scheme, _, rest = value.partition(" ")
    # Header fields are read as Latin-1: this gives back the bytes that were sent.
    return (rest.strip() if scheme.lower() == "bearer" and rest else value).encode("latin-1", "replace")


def _shown(value: str | None) -> str:
    return (value or "")[:100]

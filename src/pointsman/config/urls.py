"""Base URLs as people write them: checked, tidied, and whether a key may travel to them."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


class UrlError(ValueError):
    """Not a URL that can be used; the message is one clause and does not hold the URL's user part."""


def tidy(url: str) -> str:
    """An http(s) URL without a trailing slash. Raises UrlError."""
    parts = split(url)
    if parts.username or parts.password:
        raise UrlError("it must not carry a user or password: a key belongs in a variable or in `headers`")
    if parts.query or parts.fragment:
        raise UrlError("it must end with its path, without `?` or `#`")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def split(url: str) -> SplitResult:
    """The parts of an http(s) URL. Raises UrlError."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UrlError("it is not a URL") from error
    if parts.scheme not in {"http", "https"}:
        raise UrlError("it must begin with http:// or https://")
    if not parts.hostname or port == 0 or any(character.isspace() for character in url.strip()):
        raise UrlError("it names no host")
    return parts


def is_loopback_host(host: str | None) -> bool:
    """Whether a host name or address can only mean this machine."""
    name = (host or "").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL can only mean this machine."""
    return is_loopback_host(split(url).hostname)


# Asked for every request, of a few addresses.
@lru_cache(maxsize=256)
def may_carry_key(url: str, *, allow_http: bool) -> bool:
    """Whether a key may travel to a URL: over TLS, to this machine, or where the user said so."""
    return allow_http or url.startswith("https://") or is_loopback(url)


def without_user(url: str) -> str:
    """A URL to show: what stands before the `@` is hidden."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return f"{scheme}{separator}…@{host}{slash}{path}" if at else url

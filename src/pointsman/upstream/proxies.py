"""Which proxy a request takes: the backend's own, the environment's, or none."""

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pointsman.canon.errors import SetupError
from pointsman.upstream.address import PORTS


def proxy_for(url: str, environment: Mapping[str, str], backend_proxy: str | None = None) -> str | None:
    """The proxy's URL for a request to `url`; None for a direct connection.

    Loopback never takes a proxy. A backend's own proxy stands above the environment, `NO_PROXY` included; an
    empty one means a direct connection. Names in lower case win, as in curl. Raises SetupError for a proxy of
    a kind that pointsman does not speak.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if is_loopback(host):
        return None
    if backend_proxy is not None:
        return _checked(backend_proxy, "the backend's `proxy`")
    if _exempt(host, parts.port or PORTS.get(parts.scheme, 0), _read(environment, "no_proxy")):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        if value := _read(environment, name):
            return _checked(value, name.upper())
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost` and names below it, loopback and unspecified addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def _read(environment: Mapping[str, str], name: str) -> str:
    return (environment.get(name) or environment.get(name.upper()) or "").strip()


def _checked(proxy: str, origin: str) -> str | None:
    if not proxy:
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    scheme = urlsplit(url).scheme.lower()
    if scheme not in PORTS:
        raise SetupError(
            f"{origin} names a proxy of the kind `{scheme}`, pointsman speaks to `http` and `https` proxies "
            "only; set HTTPS_PROXY, or the backend's `proxy`, to one of these, or to an empty text for none"
        )
    return url


def _exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(_matches(host, port, entry) for entry in _entries(no_proxy))


def _entries(no_proxy: str) -> Iterator[str]:
    return (entry for entry in no_proxy.replace(",", " ").lower().split() if entry)


def _matches(host: str, port: int, entry: str) -> bool:
    """One entry: `*`, an address, a network (`10.0.0.0/8`), or a domain and all below it; maybe a port."""
    if entry == "*":
        return True
    if (network := _network(entry)) is not None:
        address = _address(host)
        return address is not None and address.version == network.version and address in network
    name, entry_port = _split_port(entry)
    if entry_port is not None and entry_port != port:
        return False
    if (address := _address(name)) is not None:
        return _address(host) == address
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    if _address(entry) is not None:
        return entry, None
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal():
        return name, int(port)
    return entry, None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None

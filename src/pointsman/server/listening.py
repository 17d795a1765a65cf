"""Listening sockets: on both loopback addresses by default, all on one port."""

import errno
import socket
import sys
from contextlib import suppress
from ipaddress import ip_address

from pointsman.canon.errors import SetupError
from pointsman.server.guard import is_local_name, is_loopback

LOOPBACK = ("127.0.0.1", "::1")
EVERY_ADDRESS = "::"
"""Stands for all of a machine's addresses, of both families."""
EVERY_ONE = frozenset({"0.0.0.0", EVERY_ADDRESS})
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of no machine (RFC 5737, RFC 3849), to which the usual way out leads."""
BACKLOG = 1024
_FREE_PORT_TRIES = 16


class OccupiedError(SetupError):
    """The port is taken."""

    code = "port_taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is taken by another program; choose one with `--port`")
        self.host = host
        self.port = port


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Bound sockets for a host name or address; port 0 finds one that is free on all. Raises SetupError."""
    addresses = _addresses(host)
    for _ in range(_FREE_PORT_TRIES):
        try:
            return _bind_all(addresses, port)
        except OccupiedError:
            if port != 0:
                raise
    raise SetupError(f"no port is free on all of {', '.join(addresses)}; choose one with `--port`")


def port_of(sockets: list[socket.socket]) -> int:
    """The port that they share."""
    port: int = sockets[0].getsockname()[1]
    return port


def seen_from_outside(host: str) -> str | None:
    """The address under which other machines see this one; None where `host` is loopback, or it has none.

    Nothing is sent: to connect for datagrams only asks which address would be used.
    """
    if is_loopback(host):
        return None
    address = host.strip("[]")
    if address not in EVERY_ONE:
        return address
    for family, elsewhere in _ELSEWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect((elsewhere, 9))
            return str(asking.getsockname()[0])
    return None


def _addresses(host: str) -> tuple[str, ...]:
    if is_local_name(host):
        return LOOPBACK
    with suppress(ValueError):
        return (str(ip_address(host.strip("[]"))),)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(f"`host` {host} is not an address of this machine: {error.strerror}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _bind_all(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            listening = _bind(address, port)
            if listening is not None:
                bound.append(listening)
                port = port_of(bound)
    except SetupError:
        for listening in bound:
            listening.close()
        raise
    if not bound:
        raise SetupError(f"cannot listen on {', '.join(addresses)}: this machine has no such address")
    return bound


def _bind(address: str, port: int) -> socket.socket | None:
    """A bound socket; None where the machine has no such loopback address (IPv6 switched off)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if sys.platform != "win32":
            # On Windows this option would let a second program take the same port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(OSError):
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != EVERY_ADDRESS))
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        _explain(address, port, error)
        return None
    listening.setblocking(False)
    return listening


def _explain(address: str, port: int, error: OSError) -> None:
    """Raises SetupError, unless the machine just lacks that loopback address."""
    if error.errno == errno.EADDRNOTAVAIL and address in LOOPBACK:
        return
    if error.errno == errno.EADDRINUSE:
        raise OccupiedError(address, port) from error
    if error.errno == errno.EACCES:
        raise SetupError(f"port {port} needs more rights than this user has; use one above 1023") from error
    raise SetupError(f"cannot listen on {address}, port {port}: {error.strerror}") from error

"""Where the endpoint listens: one port on both loopback addresses, and a clear word where that fails."""

import errno
import socket

import pytest

from pointsman.canon.errors import SetupError
from pointsman.server.listening import OccupiedError, open_sockets, port_of


def close(sockets):
    for each in sockets:
        each.close()


def test_a_free_port_is_the_same_on_both_loopback_addresses():
    sockets = open_sockets("localhost", 0)
    addresses = {each.getsockname()[:2] for each in sockets}
    close(sockets)

    assert addresses == {("127.0.0.1", port_of_first(addresses)), ("::1", port_of_first(addresses))}


def port_of_first(addresses):
    return next(iter(addresses))[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "127.0.0.2"])
def test_an_address_is_listened_on_alone(host):
    sockets = open_sockets(host, 0)
    names = [each.getsockname()[0] for each in sockets]
    close(sockets)

    assert names == [host.strip("[]")]


@pytest.mark.parametrize("host", ["LOCALHOST", "my.localhost", "localhost."])
def test_every_name_of_this_machine_stands_for_both_loopback_addresses(host):
    sockets = open_sockets(host, 0)
    names = {each.getsockname()[0] for each in sockets}
    close(sockets)

    assert names == {"127.0.0.1", "::1"}


def test_every_address_means_those_of_both_families():
    sockets = open_sockets("::", 0)
    with socket.create_connection(("127.0.0.1", port_of(sockets)), timeout=5) as client:
        reached = client.getpeername()[0]
    close(sockets)

    assert reached == "127.0.0.1"


@pytest.mark.parametrize("taken", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_on_either_address_is_named_and_nothing_stays_open(taken):
    first = open_sockets(taken, 0)
    port = port_of(first)

    with pytest.raises(OccupiedError, match=str(port)) as caught:
        open_sockets("localhost", port)
    close(first)
    again = open_sockets("localhost", port)
    close(again)

    assert (caught.value.host, caught.value.port) == (taken, port)


def test_a_free_port_is_looked_for_again_where_one_address_has_it_taken(monkeypatch):
    blocked = open_sockets("::1", 0)
    port = port_of(blocked)
    bind = socket.socket.bind
    tries = []

    class Unlucky(socket.socket):
        def bind(self, address):
            tries.append(address)
            first = len(tries) == 1
            return bind(self, (address[0], port) if first else address)

    monkeypatch.setattr(socket, "socket", Unlucky)
    sockets = open_sockets("localhost", 0)
    found = port_of(sockets)
    close([*sockets, *blocked])

    assert found != port
    assert len(tries) == 4


@pytest.mark.parametrize(
    ("host", "word"), [("no-such-host.invalid", "not an address"), ("192.0.2.1", "cannot listen")]
)
def test_a_host_that_is_not_this_machine_is_refused(host, word):
    with pytest.raises(SetupError, match=word):
        open_sockets(host, 0)


class Failing(socket.socket):
    """A machine on which binding fails."""

    number = errno.EACCES

    def bind(self, address):
        raise OSError(self.number, "as the test wants it")


def test_a_port_that_needs_more_rights_says_so(monkeypatch):
    monkeypatch.setattr(socket, "socket", Failing)

    with pytest.raises(SetupError, match="1023"):
        open_sockets("127.0.0.1", 80)


def test_a_machine_without_ipv6_listens_on_the_other_address(monkeypatch):
    class OnlyFour(socket.socket):
        def __init__(self, family=socket.AF_INET, *rest, **named):
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "no such family")
            super().__init__(family, *rest, **named)

    monkeypatch.setattr(socket, "socket", OnlyFour)
    sockets = open_sockets("localhost", 0)
    names = [each.getsockname()[0] for each in sockets]
    close(sockets)

    assert names == ["127.0.0.1"]


def test_a_machine_that_lacks_every_loopback_address_says_so(monkeypatch):
    class Nowhere(Failing):
        number = errno.EADDRNOTAVAIL

    monkeypatch.setattr(socket, "socket", Nowhere)

    with pytest.raises(SetupError, match="no such address"):
        open_sockets("localhost", 0)

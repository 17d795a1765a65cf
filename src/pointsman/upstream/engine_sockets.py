"""Connections to the engine that can be cut from outside: it is not unloaded while somebody listens to it."""

import socket
from contextlib import suppress


class Sockets:
    """The sockets to one engine, kept until they are closed."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def new(self, family: int) -> socket.socket:
        """A socket that `cut` will reach."""
        self._open = [one for one in self._open if one.fileno() != -1]
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)
        self._open.append(one)
        return one

    def cut(self) -> None:
        """Ends every connection, from any thread, without an event loop."""
        for one in self._open:
            with suppress(OSError):  # closed, or not yet connected
                one.shutdown(socket.SHUT_RDWR)

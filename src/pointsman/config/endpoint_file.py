"""`run/endpoint.json`: how commands find the running endpoint.

While the endpoint that it names lives, others of the same home announce themselves beside it, each in an
`endpoint-INSTANCE.json`; when it ends, the oldest of them takes its place. Whoever announces itself clears
away what dead ones left behind.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from pointsman.store.files import make_private, matching, read_optional, remove, write_private
from pointsman.store.locks import locked

LOCK = "endpoint.lock"
KNOCK = 1.0
"""Seconds in which a listener on this machine takes a connection."""


class Endpoint(Struct, frozen=True):
    """A running endpoint."""

    pid: int
    host: str
    """The address that it is reached at from this machine."""
    port: int
    started: float
    """Seconds since the epoch."""
    instance: str
    """Names the process, in `Via` too; a new one at each start."""
    key_required: bool = False
    """Whether requests need `POINTSMAN_API_KEY`."""
    version: str = ""
    """Of pointsman."""

    @property
    def url(self) -> str:
        """Without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def endpoint_file(run: Path) -> Path:
    """Where the record stands."""
    return run / "endpoint.json"


def write_endpoint(run: Path, endpoint: Endpoint) -> Path:
    """Announces an endpoint, under the main name unless another one holds it; where. Raises SetupError."""
    make_private(run)
    main = endpoint_file(run)
    with locked(run / LOCK):
        for path, other in _records(run):
            if other is None or not _holds(other, endpoint):
                remove(path)
        own = run / f"endpoint-{endpoint.instance}.json" if main.exists() else main
        write_private(own, _encoded(endpoint))
    return own


def read_endpoints(run: Path) -> list[Endpoint]:
    """The endpoints that are said to run and whose processes are there: the main one, then by age.

    Raises SetupError.
    """
    main = endpoint_file(run)
    known = [(path != main, found) for path, found in _records(run) if found is not None]
    known.sort(key=lambda each: (each[0], each[1].started))
    return [found for _, found in known if is_alive(found.pid)]


def remove_endpoint(run: Path, instance: str) -> None:
    """Takes back the announcement of this instance; others stay, the oldest under the main name.

    Raises SetupError.
    """
    if not run.is_dir():
        return
    with locked(run / LOCK):
        for path, found in _records(run):
            if found is not None and found.instance == instance:
                remove(path)
        _promote(run)


def _promote(run: Path) -> None:
    """Gives the main name, where nobody has it, to the oldest that lives. Raises SetupError."""
    main = endpoint_file(run)
    living = [(path, found) for path, found in _records(run) if found is not None and is_alive(found.pid)]
    if living and not main.exists():
        path, found = min(living, key=lambda each: each[1].started)
        write_private(main, _encoded(found))
        remove(path)


def _encoded(endpoint: Endpoint) -> bytes:
    return msgspec.json.format(msgspec.json.encode(endpoint))


def _records(run: Path) -> Iterator[tuple[Path, Endpoint | None]]:
    """Every record, and None where the file holds none. Raises SetupError."""
    for path in (endpoint_file(run), *matching(run, "endpoint-*.json")):
        data = read_optional(path)
        if data is not None:
            yield path, _decoded(data)


def _decoded(data: bytes) -> Endpoint | None:
    try:
        return msgspec.json.decode(data, type=Endpoint)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _holds(other: Endpoint, newcomer: Endpoint) -> bool:
    """Whether a record is another living endpoint's: its number may be another process's by now."""
    same = other.pid == newcomer.pid or (other.host, other.port) == (newcomer.host, newcomer.port)
    return not same and is_alive(other.pid) and _listens(other)


def _listens(endpoint: Endpoint) -> bool:
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=KNOCK):
            return True
    except TimeoutError:
        return True  # busy, or stopped for a while
    except (OSError, OverflowError):
        return False


def is_alive(pid: int) -> bool:
    """Whether a process exists. On Windows always true: asking there by signal 0 would end the process."""
    if pid <= 0:
        return False
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True

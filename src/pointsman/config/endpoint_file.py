"""`run/endpoint.json`: how commands find the running endpoint."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from pointsman.store.files import make_private, read_optional, remove, write_private


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


def write_endpoint(run: Path, endpoint: Endpoint) -> None:
    """Announces an endpoint. Raises SetupError."""
    make_private(run)
    write_private(endpoint_file(run), msgspec.json.format(msgspec.json.encode(endpoint)))


def read_endpoint(run: Path) -> Endpoint | None:
    """The endpoint that is said to run; None if there is none, or its process is gone. Raises SetupError."""
    data = read_optional(endpoint_file(run))
    if data is None:
        return None
    try:
        endpoint = msgspec.json.decode(data, type=Endpoint)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return endpoint if is_alive(endpoint.pid) else None


def remove_endpoint(run: Path, instance: str) -> None:
    """Takes back the announcement of this instance; another one's stays. Raises SetupError."""
    endpoint = read_endpoint(run)
    if endpoint is not None and endpoint.instance == instance:
        remove(endpoint_file(run))


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

"""Reaching an endpoint: the one that runs, else one started for this command alone."""

import asyncio
import os
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.config.endpoint_file import Endpoint, read_endpoints
from pointsman.config.environment import endpoint_key
from pointsman.config.paths import find_paths
from pointsman.control.endpoint import EndpointClient

if TYPE_CHECKING:
    from pointsman.cli.offline import Offline
    from pointsman.library import Gateway

PRODUCT = "pointsman"
PATIENCE = 2.0
"""Seconds in which an endpoint on this machine says that it is one."""
GRACE = 1
"""Seconds that an endpoint of this command's own gets to end."""
LOOPBACK = "localhost"
"""Where an endpoint of this command's own listens, whatever the configuration lets others reach."""


def health(url: str) -> Json | None:
    """What the pointsman at an address says of itself; None if there is none."""
    try:
        found = EndpointClient(url, timeout=PATIENCE).get("/health")
        return found if found["name"] == PRODUCT else None
    except (PointsmanError, ValueError, KeyError, TypeError):
        return None  # nobody, or another program


def record() -> Endpoint | None:
    """The record of the endpoint that runs; the first where several do. Raises SetupError."""
    return next(records(), None)


def records() -> Iterator[Endpoint]:
    """The records of all that run; what a crash left behind does not count. Raises SetupError."""
    return (each for each in read_endpoints(find_paths(os.environ).run) if health(each.url) is not None)


def running() -> EndpointClient | None:
    """The endpoint that runs on this machine, if one does. Raises SetupError."""
    found = record()
    return None if found is None else EndpointClient(found.url, own_key())


def look() -> "EndpointClient | Offline":
    """The endpoint that runs, else what one would say. Raises SetupError."""
    found = running()
    if found is not None:
        return found
    from pointsman.cli.offline import Offline  # noqa: PLC0415 - heavy, and not needed where one runs

    return Offline()


def own_key() -> str | None:
    """The endpoint's key, where one is set. Raises SetupError."""
    return endpoint_key(os.environ)


@contextmanager
def reach(model: str) -> Generator[EndpointClient]:
    """An endpoint to send `model` a request through, as long as the block lasts. Raises SetupError."""
    found = running()
    if found is not None:
        yield found
        return
    with _own_endpoint(model) as url:
        yield EndpointClient(url, own_key())


@contextmanager
def _own_endpoint(model: str) -> Generator[str]:
    """An endpoint in a thread of this process. It is announced to nobody."""
    from pointsman.cli.embedded import provide  # noqa: PLC0415 - not needed where an endpoint runs
    from pointsman.library import Gateway  # noqa: PLC0415 - the same

    gateway = Gateway(host=LOOPBACK, shutdown_timeout=GRACE)
    missing = provide(gateway.app, model)
    if missing is not None:
        raise PointsmanError(missing)
    started: Future[_Started] = Future()
    with ThreadPoolExecutor(1, thread_name_prefix="endpoint") as thread:
        over = thread.submit(asyncio.run, _serve(gateway, started))
        try:
            wait((started, over), return_when=FIRST_COMPLETED)
            # One that is over before it has started raises here what kept it from starting.
            yield (started if started.done() else over).result().url
        finally:
            wait((started, over), return_when=FIRST_COMPLETED)
            if started.done():
                started.result().end()


async def _serve(gateway: "Gateway", started: "Future[_Started]") -> "_Started":
    own = _Started("", asyncio.get_running_loop(), asyncio.Event())
    async with gateway:
        own.url = gateway.url
        started.set_result(own)
        await own.asked.wait()
    return own


@dataclass(slots=True)
class _Started:
    """The endpoint in its thread."""

    url: str
    loop: asyncio.AbstractEventLoop
    asked: asyncio.Event
    """Set to let it go."""

    def end(self) -> None:
        """Lets it go; nothing where it has ended by itself."""
        with suppress(RuntimeError):  # the loop may be closed
            self.loop.call_soon_threadsafe(self.asked.set)

"""Reaching an endpoint: the one that runs, else one started for this command alone."""

import asyncio
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager

from pointsman.config.endpoint_file import read_endpoint
from pointsman.config.environment import API_KEY_VARIABLE
from pointsman.config.paths import find_paths
from pointsman.control.endpoint import EndpointClient


def running() -> EndpointClient | None:
    """The endpoint that runs on this machine, if one does. Raises SetupError."""
    record = read_endpoint(find_paths(os.environ).run)
    return None if record is None else EndpointClient(record.url, own_key())


def own_key() -> str | None:
    """The endpoint's key, where one is set."""
    return os.environ.get(API_KEY_VARIABLE, "").strip() or None


@contextmanager
def reach() -> Generator[EndpointClient]:
    """An endpoint to talk to, as long as the block lasts. Raises SetupError."""
    found = running()
    if found is not None:
        yield found
        return
    with _own_endpoint() as url:
        yield EndpointClient(url, own_key())


@contextmanager
def _own_endpoint() -> Generator[str]:
    """An endpoint in a thread of this process."""
    started = _Started()
    thread = threading.Thread(target=started.run, name="endpoint", daemon=True)
    thread.start()
    try:
        yield started.wait()
    finally:
        started.end()
        thread.join(timeout=10)


class _Started:
    """What the two threads tell each other."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._url = ""
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def run(self) -> None:
        """The endpoint's thread."""
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - carried over to the thread that waits
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from pointsman.library import Gateway  # noqa: PLC0415 - not needed where an endpoint runs

        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        async with Gateway() as gateway:
            self._url = gateway.url
            self._ready.set()
            await self._over.wait()

    def wait(self) -> str:
        """The address, once the endpoint answers. Raises what kept it from starting."""
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self._url

    def end(self) -> None:
        """Lets the endpoint go."""
        if self._loop is not None and self._over is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)

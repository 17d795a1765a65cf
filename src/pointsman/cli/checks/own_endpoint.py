"""An endpoint of the doctor's own before a stand-in: in a thread, with a home that goes with it."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import TypeAlias

from msgspec import Struct

from pointsman.cli.checks.stand_in import backend_of, stand_in
from pointsman.config.backends import Catalog
from pointsman.config.environment import API_KEY_VARIABLE
from pointsman.config.paths import HOME_VARIABLE
from pointsman.config.shipped import providers
from pointsman.dialects.registry import DIALECTS
from pointsman.library import Gateway

NAME = "doctor"
WITHIN = 10.0
"""Seconds in which it starts, and in which it ends."""
KEY = "pointsman"
"""The key of such an endpoint, which opens nothing else."""


class Hosted(Struct, frozen=True):
    """One that runs in a thread."""

    url: str
    behind: str
    """The stand-in's address."""
    loop: asyncio.AbstractEventLoop

    def cpu(self) -> float:
        """Seconds of CPU that its thread has taken."""
        return asyncio.run_coroutine_threadsafe(_thread_time(), self.loop).result(WITHIN)


async def _thread_time() -> float:
    return time.thread_time()


@contextmanager
def own_endpoint() -> Generator[Hosted]:
    """As long as the block lasts. Raises PointsmanError."""
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-doctor-") as home,
        ThreadPoolExecutor(2, thread_name_prefix="doctor") as threads,
    ):
        behind, before = _Thread(), _Thread()
        try:
            threads.submit(asyncio.run, behind.run(stand_in()))
            address = behind.address(WITHIN)
            over = threads.submit(asyncio.run, before.run(_gateway(home, address)))
            try:
                yield Hosted(before.address(WITHIN), address, before.loop)
            finally:
                # It closes its connections to the stand-in, which can then end in peace.
                before.end()
                over.exception(WITHIN)
        finally:
            behind.end()


@asynccontextmanager
async def _gateway(home: str, behind: str) -> AsyncGenerator[str]:
    rows = providers()
    engine = Catalog(rows, frozenset(DIALECTS)).engine()
    assert engine is not None
    environment = {HOME_VARIABLE: home, API_KEY_VARIABLE: KEY, "PATH": os.environ.get("PATH", "")}
    backends = {NAME: backend_of(behind, rows, engine)}
    gateway = Gateway(
        environment=environment, host="127.0.0.1", discover=False, shutdown_timeout=1, backends=backends
    )
    async with gateway:
        yield gateway.url


_Running: TypeAlias = tuple[str, asyncio.AbstractEventLoop, asyncio.Event]
"""Its address, its loop, and what ends it."""


class _Thread:
    """A server in a loop of its own."""

    def __init__(self) -> None:
        self._ready: Future[_Running] = Future()

    async def run(self, server: AbstractAsyncContextManager[str]) -> None:
        try:
            async with server as url:
                over = asyncio.Event()
                self._ready.set_result((url, asyncio.get_running_loop(), over))
                await over.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    def address(self, seconds: float) -> str:
        return self._ready.result(seconds)[0]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._ready.result(0)[1]

    def end(self) -> None:
        self._ready.add_done_callback(_let_go)


def _let_go(ready: "Future[_Running]") -> None:
    """Also one that starts after nobody waits for it any more."""
    if ready.exception() is None:
        _, loop, over = ready.result()
        with suppress(RuntimeError):  # the loop may be closed
            loop.call_soon_threadsafe(over.set)

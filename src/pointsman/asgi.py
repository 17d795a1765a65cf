"""`pointsman.asgi:app`: the endpoint for any ASGI server. Configuration is read when the server starts it."""

import os
from asyncio import AbstractEventLoop, Lock, get_running_loop
from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pointsman.app import App
    from pointsman.server.asgi import Receive, Scope, Send


class Application:
    """The endpoint, started by its server, or by its first request where that server has no lifespan."""

    def __init__(self) -> None:
        self._locks = WeakKeyDictionary[AbstractEventLoop, Lock]()
        """A lock belongs to one event loop."""
        self._lives_in: AbstractEventLoop | None = None
        self._life: AsyncGenerator[None] | None = None

    @cached_property
    def _app(self) -> "App":
        from pointsman.app import App  # noqa: PLC0415 - importing this module must cost nothing

        return App(os.environ)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One connection's event, as ASGI has it."""
        if scope["type"] == "lifespan":
            self._lives_in = get_running_loop()
        elif self._lives_in is not get_running_loop():
            await self._begin()
        await self._app.asgi(scope, receive, send)

    async def _begin(self) -> None:
        async with self._locks.setdefault(get_running_loop(), Lock()):
            if self._lives_in is not get_running_loop():
                self._life = self._live()
                await anext(self._life)
                self._lives_in = get_running_loop()

    async def _live(self) -> AsyncGenerator[None]:
        """From start to stop: an event loop that ends closes what was generated in it."""
        await self._app.start()
        try:
            yield
        finally:
            await self._app.stop()


app = Application()

"""`pointsman.asgi:app`: the endpoint for any ASGI server. Configuration is read when the server starts it."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.server.client import Receive, Scope, Send
    from pointsman.server.endpoint import Endpoint


@cache
def _endpoint() -> "Endpoint":
    from pointsman.app import App  # noqa: PLC0415 - importing this module must cost nothing

    return App(os.environ).asgi


async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The ASGI application."""
    await _endpoint()(scope, receive, send)

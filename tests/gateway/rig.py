"""The rig: a whole gateway between scripted upstreams and a client that sees bytes.

async with rig(anthropic=upstream) as gateway:
    answer = await gateway.ask(ANTHROPIC, stream=True)
"""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

from bytes_client import Answer, calling, request_bytes
from msgspec import structs
from voices import VOICES

from pointsman import Gateway
from pointsman.gateway.pace import Pace
from pointsman.routing.attempts import Patience


class Rig:
    """A running gateway, and how a client speaks to it."""

    def __init__(self, gateway, environment=None):
        self.gateway = gateway
        self.environment = environment
        self.app = gateway.app
        self.port = gateway.port

    @property
    def parts(self):
        return self.app.service.parts

    @property
    def tally(self):
        return self.app.service.tally

    def call(self, method, target, headers=(), body=b"", **connection):
        """An open call: head, pieces and leaving one by one."""
        raw = request_bytes(method, target, headers, body, port=self.port)
        return calling(self.port, raw, **connection)

    async def send(self, method, target, headers=(), body=b"") -> Answer:
        """A request and its whole answer."""
        async with self.call(method, target, headers, body) as call:
            if method == "HEAD":
                return await call.head()
            return await call.rest()

    async def get(self, target, *headers) -> Answer:
        return await self.send("GET", target, headers)

    async def post(self, target, data, *headers) -> Answer:
        """`data` is bytes as they are, or a value to encode."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return await self.send("POST", target, (("content-type", "application/json"), *headers), body)

    async def ask(self, voice, *headers, backend=None, **fields) -> Answer:
        """A small request in a dialect; `backend` is the name of who shall answer."""
        body = voice.request(backend, **fields)
        return await self.post(voice.target(backend, **fields), body, *voice.headers, *headers)

    def asking(self, voice, *headers, backend=None, buffer=None, **fields):
        """The same as an open call."""
        body = json.dumps(voice.request(backend, **fields)).encode()
        sent = (("content-type", "application/json"), *voice.headers, *headers)
        return self.call("POST", voice.target(backend, **fields), sent, body, buffer=buffer)

    def quicken(self, **pace):
        """Shortens the waits of the exchange."""
        self.parts.pace = structs.replace(self.parts.pace, **pace)

    def hurry(self):
        """Pauses take no time, though the clock says that it has passed; what would have passed is kept."""
        waited, wall = [], self.parts.wall
        self.parts.wall = lambda: wall() + sum(waited)

        async def pause(seconds):
            waited.append(seconds)

        def later(seconds, call):
            return asyncio.get_running_loop().call_soon(lambda: (waited.append(seconds), call()))

        self.parts.sleep, self.parts.later = pause, later
        return waited

    async def settled(self):
        """No request is under way any longer, and nothing is held."""
        service = self.app.service
        await eventually(lambda: not (self.tally.in_flight or service.buffers.held or service.ledger.waiting))


async def eventually(condition):
    """Returns once the condition holds; five seconds are enough for a busy machine."""
    for _ in range(1250):
        if condition():
            return
        await asyncio.sleep(0.004)
    raise AssertionError("it did not come about in time")


def write_config(text):
    """The configuration file of the test's own home."""
    home = Path(os.environ["POINTSMAN_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(text)


MODELS = {name: voice.model for name, voice in VOICES.items()}
KINDS = {
    "anthropic": ("anthropic-compatible", ""),
    "openai_chat": ("openai-compatible", "/v1"),
    "openai_responses": ("responses-compatible", "/v1"),
    "gemini": ("gemini-compatible", ""),
}
"""By dialect, the provider of a server that speaks it, and what its base URL ends in."""


def backend_table(name, upstream, lines):
    kind, path = KINDS[name]
    url = upstream if isinstance(upstream, str) else upstream.url
    return f'[backends.{name}]\nprovider = "{kind}"\nbase_url = "{url}{path}"\n{lines}\n'


@asynccontextmanager
async def rig(*, settings="", backend="", environment=None, **upstreams):
    """`settings` are lines of the configuration file; `backend` lines for each backend; an upstream, or its
    URL, by the name of its dialect; anything else is the gateway's own."""
    config = settings + "\n"
    for name in KINDS:
        upstream = upstreams.pop(name, None)
        if upstream is not None:
            listed = "" if "models" in backend else f'models = ["{MODELS[name]}"]'
            config += backend_table(name, upstream, f"{listed}\n{backend}")
    write_config(config)
    settings = {"discover": False, **upstreams}
    own = {**os.environ, **(environment or {})}
    async with Gateway(environment=own, **settings) as gateway:
        yield Rig(gateway, own)


__all__ = ["Pace", "Patience", "Rig", "backend_table", "eventually", "rig", "write_config"]

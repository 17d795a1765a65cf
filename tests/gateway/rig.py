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

from pointsman import Gateway
from pointsman.gateway.pace import Pace
from pointsman.routing.attempts import Patience


class Rig:
    """A running gateway, and how a client speaks to it."""

    def __init__(self, gateway):
        self.gateway = gateway
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
        return await self.post(voice.path, voice.request(backend, **fields), *voice.headers, *headers)

    def asking(self, voice, *headers, backend=None, buffer=None, **fields):
        """The same as an open call."""
        body = json.dumps(voice.request(backend, **fields)).encode()
        sent = (("content-type", "application/json"), *voice.headers, *headers)
        return self.call("POST", voice.path, sent, body, buffer=buffer)

    def quicken(self, **pace):
        """Shortens the waits of the exchange."""
        self.parts.pace = structs.replace(self.parts.pace, **pace)

    def hurry(self):
        """Pauses take no time; what would have passed is kept."""
        waited = []

        async def pause(seconds):
            waited.append(seconds)

        self.parts.sleep = pause
        return waited

    async def settled(self):
        """No request is under way any longer, and nothing is held."""
        await eventually(lambda: not (self.tally.in_flight or self.app.service.buffers.held))


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


def backend_table(name, upstream, lines):
    kind = f"{name.removeprefix('openai_').replace('chat', 'openai')}-compatible"
    url = upstream if isinstance(upstream, str) else upstream.url
    base = url + ("" if name == "anthropic" else "/v1")
    return f'[backends.{name}]\nprovider = "{kind}"\nbase_url = "{base}"\n{lines}\n'


@asynccontextmanager
async def rig(
    *,
    anthropic=None,
    openai_chat=None,
    openai_responses=None,
    settings="",
    backend="",
    environment=None,
    **flags,
):
    """`settings` are lines of the configuration file; `backend` lines for each backend."""
    listed = 'models = ["claude-x"]' if "models" not in backend else ""
    chat = 'models = ["gpt-x"]' if "models" not in backend else ""
    config = settings + "\n"
    if anthropic is not None:
        config += backend_table("anthropic", anthropic, f"{listed}\n{backend}")
    if openai_chat is not None:
        config += backend_table("openai_chat", openai_chat, f"{chat}\n{backend}")
    if openai_responses is not None:
        more = 'models = ["gpt-r"]' if "models" not in backend else ""
        config += backend_table("openai_responses", openai_responses, f"{more}\n{backend}")
    write_config(config)
    async with Gateway(environment={**os.environ, **(environment or {})}, discover=False, **flags) as gateway:
        yield Rig(gateway)


__all__ = ["Pace", "Patience", "Rig", "backend_table", "eventually", "rig", "write_config"]

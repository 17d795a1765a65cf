"""A whole gateway in virtual time, from its endpoint to the seam of its network."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pointsman.app import App
from pointsman.server.socket import Socket
from pointsman.wire.headers import Headers

from .provider import Provider
from .tongues import Json
from .transport import InProcess
from .virtual import VirtualLoop


@dataclass
class Answer:
    """What a client has got."""

    at: float
    """When it was over, in seconds since the epoch."""
    status: int = 0
    headers: Headers = ()
    body: bytes = b""
    whole: bool = False
    """Whether its body came to an end."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def limited(self) -> bool:
        """Whether it is a limit that was reached, said in the head or in a stream that had begun."""
        return self.status == 429 or (not self.whole and b"rate_limit" in self.body)


class Caller:
    """Implements the endpoint's `Call`: a client that takes what it gets, and may leave."""

    wants_socket = False

    def __init__(self, path: str, headers: Headers, body: bytes) -> None:
        self.method = "POST"
        self.path = path
        self.query = ""
        self.headers: Headers = (("host", "localhost"), ("content-length", str(len(body))), *headers)
        self.headed = False
        self.finished = False
        self.got = Answer(0.0)
        self._body = [body]
        self._left: Callable[[], None] | None = None

    async def open_socket(self, limit: int, headers: Headers) -> Socket:
        raise NotImplementedError

    async def piece(self) -> bytes:
        return self._body.pop() if self._body else b""

    async def head(self, status: int, headers: Headers) -> None:
        self.headed = True
        self.got.status, self.got.headers = status, headers

    async def write(self, data: bytes) -> None:
        self.got.body += data

    async def finish(self, data: bytes = b"") -> None:
        self.finished = self.got.whole = True
        self.got.body += data

    def watch(self, left: Callable[[], None] | None) -> None:
        self._left = left

    def leave(self) -> None:
        """The client closes its connection."""
        if self._left is not None:
            self._left()

    def abort(self) -> None:
        """The body is left broken."""


@dataclass
class House:
    """The gateway and what it stands before."""

    app: App
    provider: Provider
    loop: VirtualLoop
    tags: int = 0
    answers: list[Answer] = field(default_factory=list)
    roomy: list[Answer] = field(default_factory=list)
    """Refusals for a limit, though an account had room at that moment and was not tried."""

    @property
    def parts(self):
        return self.app.service.parts

    @property
    def pool(self):
        return self.parts.pool

    def standing(self, alias: str):
        """What the pool knows of an account."""
        backend = self.parts.router.snapshot.backends[self.provider.tongue.name]
        return self.pool.roster(backend).standings[alias]

    def caller(self, body: Json, *headers: tuple[str, str]) -> Caller:
        """A request that is not sent yet, with a tag of its own."""
        self.tags += 1
        tongue = self.provider.tongue
        own = (("content-type", "application/json"), *tongue.fields, ("x-tag", f"t{self.tags}"))
        named = {**body, "model": f"{tongue.name}:{body['model']}"}
        return Caller(tongue.path, (*own, *headers), json.dumps(named).encode())

    async def send(self, caller: Caller) -> Answer:
        """Its answer."""
        await self.app.endpoint.answer(caller)
        now = self.loop.wall()
        caller.got.at = now
        self.answers.append(caller.got)
        if caller.got.limited and self.provider.has_room(now) and self._tries(caller) < self.most:
            self.roomy.append(caller.got)
        return caller.got

    @property
    def most(self) -> int:
        """How often one request is tried: once with each account, and twice more."""
        return len(self.provider.accounts) + 2

    def _tries(self, caller: Caller) -> int:
        tag = dict(caller.headers)["x-tag"]
        return sum(arrival.tag == tag for arrival in self.provider.arrivals)

    async def ask(self, text: str = "Hello", *headers: tuple[str, str]) -> Answer:
        """The answer to one question."""
        tongue = self.provider.tongue
        return await self.send(
            self.caller(tongue.body(tongue.model, "Be brief.", tongue.say(text)), *headers)
        )

    async def ask_all(self, count: int, *headers: tuple[str, str]) -> list[Answer]:
        """The answers to so many at once, each of another conversation."""
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(self.ask(f"Question {number}", *headers)) for number in range(count)]
        return [each.result() for each in made]


def house(
    provider: Provider, loop: VirtualLoop, *, settings="", backend="", seed=0, without_key=(), **network
) -> House:
    """Sets one up; `settings` are lines of the file, `backend` lines of the one backend."""
    tongue = provider.tongue
    lines = [
        settings,
        f"[backends.{tongue.name}]",
        f'provider = "{tongue.provider}"',
        f'models = ["{tongue.model}"]',
    ]
    lines += [backend, f"[backends.{tongue.name}.accounts.default]", "enabled = false"]
    for alias in provider.accounts:
        lines += [f"[backends.{tongue.name}.accounts.{alias}]", f'key_env = "KEY_{alias.upper()}"']
    home = Path(os.environ["POINTSMAN_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text("\n".join(lines) + "\n")
    keys = {f"KEY_{each.alias.upper()}": each.key for each in provider.accounts.values()}
    for alias in without_key:
        del keys[f"KEY_{alias.upper()}"]
    app = App({**os.environ, **keys}, {"discover": False})
    parts, random = app.service.parts, Random(seed)
    parts.transport = InProcess(provider, loop, seed=seed, **network)
    parts.clock, parts.wall, parts.random = loop.time, loop.wall, random.random
    parts.keepsakes = type(parts.keepsakes)(loop.time)
    return House(app, provider, loop)

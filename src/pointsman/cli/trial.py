"""A trial: the cheapest real request to a backend, over the same way that a client's request takes."""

import asyncio
import os
import time
from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct

from pointsman.app import App
from pointsman.canon.blocks import Text
from pointsman.canon.errors import GarbledError, PointsmanError, RefusedError, SetupError
from pointsman.canon.intent import Intent
from pointsman.canon.request import Message, Request
from pointsman.canon.traits import Target
from pointsman.cli.output import count
from pointsman.cli.surroundings import survey, surveyor
from pointsman.config.shape import nearest
from pointsman.dialects.dialect import MODEL, Dialect
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.parts import Parts
from pointsman.gateway.pipeline import serve
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Patience
from pointsman.routing.snapshot import Backend
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode, peek

PROMPT = "Say hello."
LISTLESS = frozenset({404, 405, 501})
"""Statuses by which a server says that it has no list of models."""


class Verdict(Struct, frozen=True):
    """How a trial ended."""

    works: bool
    words: str
    """One clause for a person."""
    seconds: float


def try_backend(name: str, model: str | None) -> Verdict:
    """Tries a backend of the configuration, or one found on this machine. Raises SetupError."""
    return asyncio.run(_try(App(os.environ), name, model))


async def _try(app: App, name: str, model: str | None) -> Verdict:
    parts = app.service.parts
    parts.patience = Patience(max_attempts=1)
    try:
        parts.router = await survey(app, parts.transport)
        return await verdict_of(app, choose(parts, name), model)
    finally:
        await parts.transport.close()


async def verdict_of(app: App, backend: Backend, model: str | None) -> Verdict:
    """Tries one backend of an endpoint that is not listening."""
    began = time.monotonic()
    try:
        works, words = True, await _ask(app, backend, model)
    except PointsmanError as error:
        works, words = False, error.message
    return Verdict(works, words, round(time.monotonic() - began, 3))


def choose(parts: Parts, name: str) -> Backend:
    """The backend of that name. Raises SetupError."""
    backends = parts.router.snapshot.backends
    if name not in backends:
        raise SetupError(
            f"there is no backend {name}; the nearest one is {nearest(name, list(backends))}, and "
            "`pointsman backend list` shows them"
        )
    return backends[name]


async def _ask(app: App, backend: Backend, model: str | None) -> str:
    """What the backend did, in words. Raises PointsmanError."""
    parts = app.service.parts
    known = model or next(iter(backend.models), None)
    if model is not None or backend.provider.engine:
        return await _write(parts, backend, known or "default")
    if not backend.provider.lists_models:
        if known is None:
            raise PointsmanError("it cannot be asked for its models; name one to try with `-m MODEL`")
        return await _write(parts, backend, known)
    try:
        found = await surveyor(app, parts.transport).models(backend.name)
    except (GarbledError, RefusedError) as error:
        return await _do_without(parts, backend, known, error)
    if not found and known is not None:
        return f"it lists no models, and {await _write(parts, backend, known)}"
    return f"it lists {count(len(found), 'model')}"


async def _do_without(
    parts: Parts, backend: Backend, known: str | None, error: GarbledError | RefusedError
) -> str:
    """The trial of a backend whose list of models cannot be had. Raises PointsmanError."""
    if isinstance(error, RefusedError):
        if error.status == HTTPStatus.UNAUTHORIZED or (known is None and error.status not in LISTLESS):
            raise error
        said = f"it gives no list of models (status {error.status}: {error.message})"
    else:
        said = f"it gives no list of models ({error.message})"
    if known is None:
        raise PointsmanError(f"{said}; name a model to try with `-m MODEL`, or list its `models`") from error
    try:
        return f"{said}, but {await _write(parts, backend, known)}"
    except PointsmanError as worse:
        raise PointsmanError(f"{said}, and {worse.message}") from worse


async def _write(parts: Parts, backend: Backend, model: str) -> str:
    """Has one token written, and says what was tried where that fails. Raises PointsmanError."""
    try:
        return await _generate(parts, backend, model)
    except PointsmanError as error:
        raise PointsmanError(f"asked for one token, {model} failed: {error.message}") from error


async def _generate(parts: Parts, backend: Backend, model: str) -> str:
    """Has one token written. Raises UpstreamError."""
    return f"{(await generate(parts, backend, model)).model} wrote a token"


async def generate(parts: Parts, backend: Backend, model: str) -> Trace:
    """Has one token written, and tells how that went. Raises UpstreamError."""
    exchange = _exchange(parts, backend, model)
    client = _Listener()
    trace = Trace(exchange.request_id, "POST", "", parts.wall())
    await serve(exchange, client, parts, trace)
    if client.status != 200:
        raise RefusedError(exchange.dialect.parse_error(client.status, client.headers, bytes(client.body)))
    return trace


def _exchange(parts: Parts, backend: Backend, model: str) -> Exchange:
    """One token's request, as a client would send it that speaks the backend's own dialect."""
    dialect = _spoken(backend, model)
    asked = f"{backend.name}:{model}"
    traits = parts.router.traits(backend, dialect.name, model)
    stream = True if traits.streams_only else None
    request = Request(
        dialect=dialect.name,
        model=asked,
        messages=(Message("user", (Text(PROMPT),), form="text"),),
        max_tokens=1,
        stream=stream,
    )
    encoded = dialect.encode_request(request, Target(asked, backend.provider.name, traits))
    body = encode(encoded.body)
    placed = MODEL in dialect.paths["generate"]
    members = peek(body).members
    intent = Intent(dialect.name, "generate", asked, stream=bool(stream), members=members, placed=placed)
    return Exchange(parts.new_id(), "", dialect.request_headers, body, dialect, intent)


def _spoken(backend: Backend, model: str) -> Dialect:
    names = (*backend.spoken(model), *backend.bases)
    return next(DIALECTS[name] for name in names if name in DIALECTS)


class _Listener:
    """The client of a trial: keeps what it hears."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.body = bytearray()

    async def head(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    async def write(self, data: bytes) -> None:
        self.body += data

    async def finish(self, data: bytes = b"") -> None:
        self.body += data

    def watch(self, left: Callable[[], None] | None) -> None:
        """Nobody leaves."""

    def abort(self) -> None:
        """Nobody is cut off."""

"""Asking a server for its models."""

import asyncio
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from pointsman.canon.errors import Fault, FaultKind, GarbledError, RefusedError, RequestError, SilenceError
from pointsman.routing.snapshot import Model
from pointsman.upstream.model_lists import Page, read_page
from pointsman.upstream.transport import Incoming, Outgoing, Transport
from pointsman.wire.coding import decode_body
from pointsman.wire.headers import Headers, first

MAX_BYTES = 4 * 1024 * 1024
"""Of one page; the longest known list has about 500 KB."""

MAX_PAGES = 20

_KINDS: dict[int, FaultKind] = {401: "authentication", 403: "permission", 404: "not_found", 429: "rate_limit"}


class Source(Struct, frozen=True):
    """Where a list of models is to be had. Shown, it is its URL: its header fields hold a credential."""

    url: str
    headers: Headers = ()
    """The credential and what else the provider wants."""
    proxy: str | None = None
    ca_file: str | None = None
    connect: float = 10.0
    within: float = 30.0
    """Seconds for the whole list."""
    prefix: str = ""
    """What stands before each id and is no part of it."""

    def __repr__(self) -> str:
        return f"Source({self.url})"


class Listing(Struct, frozen=True):
    """A list of models, and how the answer that began it looked."""

    models: tuple[Model, ...]
    headers: Headers
    declared: bool
    """Whether the answer itself says that it is a list."""


async def fetch_models(transport: Transport, source: Source) -> tuple[Model, ...]:
    """The models of a server. Raises UpstreamError."""
    return (await fetch_listing(transport, source)).models


async def fetch_listing(transport: Transport, source: Source) -> Listing:
    """The same with the answer's header. Raises UpstreamError."""
    try:
        async with asyncio.timeout(source.within):
            return await _pages(transport, source)
    except TimeoutError as error:
        raise SilenceError(
            f"{_host(source.url)} has not listed its models within {source.within:g} s; perhaps it is busy"
        ) from error


async def _pages(transport: Transport, source: Source) -> Listing:
    models: dict[str, Model] = {}
    body, headers = await _page(transport, source, source.url)
    page = begin = _read(body, source)
    for _ in range(MAX_PAGES):
        models.update((model.id, model) for model in page.models)
        if page.next is None:
            break
        body, _ = await _page(transport, source, _with(source.url, page.next))
        page = _read(body, source)
    return Listing(tuple(models.values()), headers, begin.declared)


def _read(body: bytes, source: Source) -> Page:
    try:
        return read_page(body, source.prefix)
    except GarbledError as error:
        raise GarbledError(
            f"{_host(source.url)} does not list its models as expected: {error.message}; check its base URL, "
            "or name its models in the backend's `models`"
        ) from error


def _with(url: str, parameter: tuple[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode([parameter])}"


async def _page(transport: Transport, source: Source, url: str) -> tuple[bytes, Headers]:
    outgoing = Outgoing(
        method="GET",
        url=url,
        headers=(("accept", "application/json"), ("accept-encoding", "identity"), *source.headers),
        connect=source.connect,
        first_byte=source.within,
        idle=source.within,
        proxy=source.proxy,
        ca_file=source.ca_file,
    )
    incoming = await transport.send(outgoing)
    try:
        if incoming.status != 200:
            raise _refusal(url, incoming.status)
        return await _body(incoming, url), incoming.headers
    finally:
        await incoming.close()


async def _body(incoming: Incoming, url: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := await incoming.read():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise GarbledError(f"the list of models of {_host(url)} is larger than {MAX_BYTES} bytes")
    coding = first(incoming.headers, "content-encoding")
    body = b"".join(pieces)
    if coding is None:
        return body
    try:
        return decode_body(body, coding, MAX_BYTES)
    except RequestError as error:
        raise GarbledError(f"the list of models of {_host(url)} cannot be decoded: {error}") from error


def _refusal(url: str, status: int) -> RefusedError:
    advice = {
        401: "check the backend's key",
        403: "check what the backend's key may do",
        404: "if it lists none, name its models in the backend's `models`",
        508: "its base URL leads back to the endpoint that asks: correct it",
    }.get(status, "it will be asked again later")
    message = f"{_host(url)} answers {status} to the question for its models; {advice}"
    return RefusedError(Fault(kind=_KINDS.get(status, "api"), message=message, status=status))


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]

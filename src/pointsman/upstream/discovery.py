"""Servers on this machine that nobody configured: a knock on their usual loopback ports."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from pointsman.canon.errors import PointsmanError
from pointsman.routing.snapshot import Model
from pointsman.upstream.listing import Source, fetch_listing
from pointsman.upstream.transport import Outgoing, Transport
from pointsman.wire.headers import Headers

HOSTS = ("127.0.0.1", "[::1]")
"""The only hosts that are ever knocked at, the preferred one first."""

PATIENCE = 0.3
"""Seconds; on loopback, a server that runs answers within a few milliseconds."""

_OWN_FIELDS = "x-pointsman-"


class Probe(Struct, frozen=True):
    """A port to knock at."""

    provider: str
    """The row's name."""
    port: int
    path: str = "/v1/models"
    """Where such a server lists its models."""


class Neighbour(Struct, frozen=True):
    """A server that was found."""

    provider: str
    root: str
    """Its URL without a path: `http://127.0.0.1:11434`."""
    models: tuple[Model, ...]


async def find_neighbours(
    transport: Transport, probes: Iterable[Probe], patience: float = PATIENCE
) -> tuple[Neighbour, ...]:
    """The servers that answer with a list of models, in the order of the probes.

    All are asked at once. Whatever answers with anything else is another program's server; another pointsman
    does not count either. Each port counts once, for the first provider that was asked for.
    """
    asked = tuple(probes)
    async with asyncio.TaskGroup() as group:
        tasks = [
            [group.create_task(_knock(transport, probe, host, patience)) for host in HOSTS] for probe in asked
        ]
    answers = (next((task.result() for task in both if task.result() is not None), None) for both in tasks)
    found: dict[int, Neighbour] = {}
    for probe, answer in zip(asked, answers, strict=True):
        if answer is not None:
            found.setdefault(probe.port, answer)
    return tuple(found.values())


async def _knock(transport: Transport, probe: Probe, host: str, patience: float) -> Neighbour | None:
    root = f"http://{host}:{probe.port}"
    source = Source(url=root + probe.path, connect=patience, within=patience)
    try:
        listing = await fetch_listing(transport, source)
    except PointsmanError:
        return None  # nobody there, or somebody else: both are usual
    if _is_ours(listing.headers):
        return None
    if not listing.models and not listing.declared:
        return None
    return Neighbour(probe.provider, root, listing.models)


async def find_pointsmen(
    transport: Transport, addresses: Iterable[tuple[str, int]], patience: float = PATIENCE
) -> tuple[tuple[str, int], ...]:
    """Those of some (host, port) pairs at which a pointsman answers; no key is sent there."""
    asked = tuple(addresses)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_is_pointsman(transport, *each, patience)) for each in asked]
    return tuple(each for each, task in zip(asked, tasks, strict=True) if task.result())


async def _is_pointsman(transport: Transport, host: str, port: int, patience: float) -> bool:
    shown = f"[{host}]" if ":" in host else host
    question = Outgoing(
        "GET", f"http://{shown}:{port}/health", (), connect=patience, first_byte=patience, idle=patience
    )
    try:
        incoming = await transport.send(question)
    except PointsmanError:
        return False
    await incoming.close()
    return _is_ours(incoming.headers)


def _is_ours(headers: Headers) -> bool:
    """Whether an answer is a pointsman's own."""
    return any(name.startswith(_OWN_FIELDS) for name, _ in headers)

"""Servers on this machine that nobody configured: a knock on their usual loopback ports."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from pointsman.canon.errors import PointsmanError
from pointsman.routing.snapshot import Model
from pointsman.upstream.listing import Source, fetch_listing
from pointsman.upstream.transport import Transport

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
    if any(name.startswith(_OWN_FIELDS) for name, _ in listing.headers):
        return None
    if not listing.models and not listing.declared:
        return None
    return Neighbour(probe.provider, root, listing.models)

"""Upkeep: what a running endpoint learns of the world in the background, never in a request's way."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from pointsman.accounts.lease import Lease
from pointsman.accounts.pool import Pool
from pointsman.catalog.provider import Provider
from pointsman.config.bases import Kinds, bases
from pointsman.dialects.dialect import Dialect
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend, Model
from pointsman.upstream.discovery import Neighbour, Probe, find_neighbours
from pointsman.upstream.listing import Source, fetch_models
from pointsman.upstream.transport import Outgoing, Transport
from pointsman.wire.headers import Headers, via

WITHIN = 30.0
"""Seconds for a backend's whole list of models."""


class Surveyor(Struct, frozen=True):
    """Asks backends for their models, and this machine for its servers."""

    router: Callable[[], Router]
    """The one in force now."""
    transport: Transport
    pool: Pool
    proxy_for: Callable[[str, Backend], str | None]
    dialects: Mapping[str, Dialect]
    instance: str
    """This endpoint's id: a question that comes back to it is not answered, else its list would grow."""

    def listable(self) -> list[str]:
        """The backends whose models are asked for: those whose user did not name any."""
        backends = self.router().snapshot.backends.values()
        return [
            each.name
            for each in backends
            if not each.models and not each.provider.engine and each.provider.lists_models
        ]

    async def models(self, name: str) -> tuple[Model, ...]:
        """The models that a backend lists; none if it has gone. Raises UpstreamError, NoCredentialError."""
        backend = self.router().snapshot.backends.get(name)
        if backend is None:
            return ()
        dialect = next(self.dialects[each] for each in backend.bases if each in self.dialects)
        async with self.pool.lease(backend, dialect.name) as lease:
            url = backend.bases[dialect.name]
            source = Source(
                url=url + dialect.models_path,
                headers=_headers(backend, dialect, lease, url + dialect.models_path, self.instance),
                proxy=self.proxy_for(url, backend),
                ca_file=backend.ca_file,
                connect=backend.timeouts.connect,
                within=WITHIN,
                prefix=_prefix(backend, dialect),
            )
            return await fetch_models(self.transport, source)

    async def neighbours(
        self, candidates: Iterable[tuple[Provider, int]], kinds: Kinds
    ) -> dict[str, tuple[Backend, tuple[Model, ...]]]:
        """The servers that listen on their usual loopback ports, as backends with their models."""
        rows = {row.name: row for row, _ in candidates}
        probes = [Probe(row.name, port, self._list_path(row)) for row, port in candidates]
        found = await find_neighbours(self.transport, probes)
        return {each.provider: _backend(rows[each.provider], each, kinds) for each in found}

    def _list_path(self, row: Provider) -> str:
        name = next(each for each in row.dialects if each in self.dialects)
        return row.dialects[name].base + self.dialects[name].models_path


def _headers(backend: Backend, dialect: Dialect, lease: Lease, url: str, instance: str) -> Headers:
    speaks = backend.provider.dialects.get(dialect.name)
    own = dict(dialect.request_headers)
    own |= {**backend.provider.headers, **(speaks.headers if speaks else {}), **backend.headers}
    own |= dict(lease.headers)
    own.pop("content-type", None)
    asking = Outgoing("GET", url, via(tuple(own.items()), instance))
    return asking.headers if lease.sign is None else lease.sign(asking).headers


def _prefix(backend: Backend, dialect: Dialect) -> str:
    speaks = backend.provider.dialects.get(dialect.name)
    return speaks.listed_prefix if speaks else ""


def _backend(row: Provider, found: Neighbour, kinds: Kinds) -> tuple[Backend, tuple[Model, ...]]:
    where = found.root.removeprefix("http://")
    made = Backend(
        name=row.name, provider=row, bases=bases(row, kinds, found.root), why=f"listens on {where}"
    )
    return made, found.models

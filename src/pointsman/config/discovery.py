"""Backends that nobody configured: keys in the environment, and neighbours on their usual ports."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from pointsman.catalog.provider import Provider
from pointsman.config.backends import Catalog, speaking
from pointsman.config.bases import bases
from pointsman.config.environment import addresses, usable_key
from pointsman.config.urls import UrlError, is_loopback_host, may_carry_key, split
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Account, Backend


class Found(Struct, frozen=True):
    """What discovery came upon."""

    backends: dict[str, Backend] = {}
    warnings: tuple[str, ...] = ()


def discovered(catalog: Catalog, environment: Mapping[str, str], own: Iterable[tuple[str, int]]) -> Found:
    """A backend for each provider whose key is in the environment.

    `own` are the (host, port) pairs at which a pointsman answers or will answer: a key whose `*_BASE_URL`
    leads there is a key for pointsman. Any other `*_BASE_URL` is where the key belongs, and where it is used.
    """
    ours = frozenset(own)
    backends: dict[str, Backend] = {}
    warnings: list[str] = []
    for row in catalog.rows.values():
        variable = usable_key(row, environment)
        if not row.discover or row.engine or variable is None or catalog.built.isdisjoint(row.dialects):
            continue
        try:
            made = _backend(row, variable, catalog, environment, ours)
        except UrlError as error:
            warnings.append(f"{variable} is set, but {row.name} was not added: {error}")
            continue
        if made is not None:
            backends[row.name] = made
    return Found(backends, tuple(warnings))


def guests(catalog: Catalog, backends: Mapping[str, Backend]) -> dict[str, Backend]:
    """A backend for each provider whose clients may bring a credential, where there is none of it."""
    present = {each.provider.name for each in backends.values()}
    return {
        row.name: Backend(
            name=row.name,
            provider=(spoken := speaking(row.name, row, (), catalog)),
            bases=bases(spoken, catalog.kinds, None),
            why="clients bring a credential of their own",
            accounts=(Account(CLIENT_ACCOUNT),),
            credential="client",
        )
        for row in catalog.rows.values()
        if row.client_credential and row.root and row.name not in present and row.name not in backends
    }


def _backend(
    row: Provider,
    variable: str,
    catalog: Catalog,
    environment: Mapping[str, str],
    ours: frozenset[tuple[str, int]],
) -> Backend | None:
    known = tuple(addresses(row, variable, environment))
    if any(_leads_here(*each, ours) for each in known):
        return None
    address, url = known[0] if known else (None, None)
    if url is None and row.root is None:
        return None
    spoken = speaking(row.name, row, (), catalog)
    made = Backend(
        name=row.name,
        provider=spoken,
        bases=_bases(spoken, catalog, address, url),
        why=f"{variable} is set" if address is None else f"{variable} and {address} are set",
        key_env=variable,
    )
    if not all(may_carry_key(base, allow_http=False) for base in made.bases.values()):
        raise UrlError(f"{address} is plain http://; configure it as a backend with `allow_http = true`")
    return made


def _leads_here(name: str, url: str, own: frozenset[tuple[str, int]]) -> bool:
    """The same as `leads_here`, for the URL in a variable."""
    try:
        return leads_here(url, own)
    except UrlError as error:
        raise _unusable(name, error) from error


def _bases(row: Provider, catalog: Catalog, name: str | None, url: str | None) -> dict[str, str]:
    try:
        return bases(row, catalog.kinds, url)
    except UrlError as error:
        raise _unusable(name, error) from error


def _unusable(name: str | None, error: UrlError) -> UrlError:
    return UrlError(f"{name} is not a URL that can be used: {error}")


def homeless_keys(
    catalog: Catalog, environment: Mapping[str, str], backends: Mapping[str, Backend]
) -> tuple[str, ...]:
    """What to do with keys whose provider has a URL for each of its users, where no backend has one."""
    used = {each.key_env for each in backends.values()}
    words: dict[str, str] = {}
    for row in catalog.rows.values():
        variable = None if row.root or row.compatible else usable_key(row, environment)
        if variable is None or variable in used or catalog.built.isdisjoint(row.dialects):
            continue
        advice = f" {row.note.partition('. ')[0].rstrip('.')}." if row.note else ""
        command = f"pointsman backend add {row.name} --base-url URL"
        words.setdefault(
            variable, f"{variable} is set, but {row.title} is reached at a URL of yours: `{command}`.{advice}"
        )
    return tuple(words.values())


def leads_here(url: str, own: frozenset[tuple[str, int]]) -> bool:
    """Whether a URL is that of a pointsman. Raises UrlError."""
    parts = split(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if is_loopback_host(host):
        return any(port == own_port for _, own_port in own)
    return (host, port) in own


def neighbours(
    catalog: Catalog, backends: Mapping[str, Backend], own: Iterable[tuple[str, int]]
) -> tuple[tuple[Provider, int], ...]:
    """The (provider, port) pairs worth a knock on loopback: usual ports that no backend has."""
    taken = {port for _, port in (*own, *loopback_addresses(backends.values()))}
    return tuple(
        (speaking(row.name, row, (), catalog), port)
        for row in catalog.rows.values()
        if row.local and row.name not in backends and not catalog.built.isdisjoint(row.dialects)
        for port in row.ports
        if port not in taken
    )


def loopback_addresses(backends: Iterable[Backend]) -> Iterator[tuple[str, int]]:
    """The (host, port) pairs of backends on this machine."""
    for backend in backends:
        for url in backend.bases.values():
            parts = split(url)
            if is_loopback_host(parts.hostname) and parts.port is not None:
                yield parts.hostname or "", parts.port


def missing_keys(catalog: Catalog, backends: Mapping[str, Backend]) -> tuple[tuple[str, str], ...]:
    """(model pattern, environment variable) of the providers that no backend is of."""
    present = {backend.provider.name for backend in backends.values()}
    return tuple(
        (pattern, row.key_env[0])
        for row in catalog.rows.values()
        if row.discover and row.key_env and row.name not in present
        for pattern in row.patterns
    )

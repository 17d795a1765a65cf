"""Backends that the user configured: settings and provider rows, put together and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from pointsman.canon.errors import SetupError
from pointsman.catalog.login import PlanLogin
from pointsman.catalog.provider import Provider
from pointsman.config.bases import Kinds, bases
from pointsman.config.environment import key_variable
from pointsman.config.load import Effective
from pointsman.config.places import filled, find_places, root_of
from pointsman.config.rules import plain_http_complaint
from pointsman.config.schema import AccountSettings, BackendSettings, TimeoutSettings
from pointsman.config.shape import nearest
from pointsman.config.urls import may_carry_key
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Account, Backend, Timeouts


class Catalog(Struct, frozen=True):
    """What there is to configure with."""

    rows: Mapping[str, Provider]
    """The provider table, by name."""
    built: frozenset[str]
    """The dialects that this version speaks."""

    @property
    def kinds(self) -> Kinds:
        """What the compatible rows say of dialects in general."""
        return Kinds(self.rows)

    @property
    def dialects(self) -> frozenset[str]:
        """Every dialect that a row names, built or not."""
        return frozenset(dialect for row in self.rows.values() for dialect in row.dialects)

    def engine(self) -> Provider | None:
        """The row of the engine inside pointsman."""
        return next((row for row in self.rows.values() if row.engine), None)


def configured(effective: Effective, catalog: Catalog, environment: Mapping[str, str]) -> dict[str, Backend]:
    """The backends of the file, in its order. Raises SetupError, naming backend and setting."""
    return {
        name: backend(name, settings, catalog, environment, effective.path)
        for name, settings in effective.settings.backends.items()
    }


def backend(
    name: str, settings: BackendSettings, catalog: Catalog, environment: Mapping[str, str], file: Path
) -> Backend:
    """One backend. Raises SetupError, naming it and the setting."""
    row = speaking(name, _row(name, settings, catalog), settings.dialects, catalog)
    _check_name(name, row, catalog)
    if settings.base_url is None and row.root is None and not row.engine:
        note = f" {row.note}" if row.note else ""
        raise SetupError(f"`backends.{name}`: `base_url` is missing, and provider {row.name} has none.{note}")
    places = find_places(row, settings, environment)
    row = _placed(name, row, places, given=settings.base_url is not None)
    made = Backend(
        name=name,
        provider=row,
        bases=bases(row, catalog.kinds, settings.base_url),
        places=places,
        credentials=_credentials(file, settings.credentials),
        why=file.name,
        models=settings.models,
        key_env=settings.key_env or key_variable(row, environment),
        key_named=settings.key_env is not None,
        accounts=_accounts(name, row, settings, settings.key_env or key_variable(row, environment)),
        strategy=settings.strategy,
        max_in_flight=settings.max_in_flight,
        credential=_credential_of(name, row, settings),
        gguf=_beside(file, settings.gguf),
        headers={field.lower(): value for field, value in settings.headers.items()},
        proxy=settings.proxy,
        ca_file=_beside(file, settings.ca_file),
        timeouts=_timeouts(settings.timeouts),
        allow_http=settings.allow_http,
        ask_usage=settings.ask_usage,
        traits=settings.traits,
    )
    _check_key_travels_safely(made)
    return made


def _accounts(
    name: str, row: Provider, settings: BackendSettings, key_env: str | None
) -> tuple[Account, ...]:
    """Its own key first, unless the file says more of it. Raises SetupError where none is left."""
    if not settings.accounts:
        return ()
    if row.engine or isinstance(row.login, PlanLogin):
        why = "runs inside pointsman" if row.engine else "is a plan, which is one person's"
        raise SetupError(f"`backends.{name}.accounts`: {row.title} {why}, so it has no other accounts")
    told = {DEFAULT_ACCOUNT: AccountSettings(), **settings.accounts}
    own = told[DEFAULT_ACCOUNT]
    made = tuple(
        Account(
            alias=alias,
            key_env=each.key_env or key_env if each is own else each.key_env,
            key_named=each.key_env is not None or (each is own and settings.key_env is not None),
            weight=each.weight,
            max_in_flight=each.max_in_flight,
            requests_per_minute=each.requests_per_minute,
            tokens_per_minute=each.tokens_per_minute,
            organisation=each.organisation,
        )
        for alias, each in told.items()
        if each.enabled
    )
    if not made:
        raise SetupError(f"`backends.{name}.accounts`: none is enabled; enable one, or remove the backend")
    return made


def _credential_of(name: str, row: Provider, settings: BackendSettings) -> Literal["own", "client"] | None:
    if settings.credential == "client" and not row.client_credential:
        raise SetupError(
            f"`backends.{name}.credential`: clients bring no credential for {row.title}; leave it out"
        )
    return settings.credential


def _placed(name: str, row: Provider, places: Mapping[str, str], *, given: bool) -> Provider:
    """The row with its places filled in; `given`: the user gave its URL. Raises SetupError."""
    if not row.places:
        return row
    spoken = {
        dialect: msgspec.structs.replace(speaks, query=filled(speaks.query, places))
        for dialect, speaks in row.dialects.items()
    }
    root = None if given else root_of(name, row, places)
    return msgspec.structs.replace(row, root=root, dialects=spoken)


def _row(name: str, settings: BackendSettings, catalog: Catalog) -> Provider:
    engine = catalog.engine()
    if settings.provider is None and settings.gguf is not None and engine is not None:
        return engine
    row = catalog.rows.get(settings.provider or "")
    if row is None:
        near = nearest(settings.provider or "", list(catalog.rows))
        raise SetupError(
            f"`backends.{name}.provider`: there is no provider {settings.provider}; the nearest one is {near}"
        )
    if settings.gguf is not None and not row.engine:
        raise SetupError(f"`backends.{name}.gguf`: a model file runs inside pointsman; leave `provider` out")
    return row


def _check_name(name: str, row: Provider, catalog: Catalog) -> None:
    engine = catalog.engine()
    if engine is not None and name == engine.name and not row.engine:
        raise SetupError(
            f"`backends.{name}`: {name} is the model inside pointsman, which this backend would hide; "
            "give it another name"
        )


def speaking(name: str, row: Provider, wanted: tuple[str, ...], catalog: Catalog) -> Provider:
    """The row, reduced to the dialects that are wanted and built. Raises SetupError."""
    for dialect in wanted:
        if dialect not in catalog.built | catalog.dialects:
            near = nearest(dialect, sorted(catalog.built | catalog.dialects))
            raise SetupError(
                f"`backends.{name}.dialects`: there is no dialect {dialect}; the nearest one is {near}"
            )
        if dialect not in catalog.built:
            raise _not_built(f"`backends.{name}.dialects`: {dialect} is", catalog)
    chosen = wanted or tuple(dialect for dialect in row.dialects if dialect in catalog.built)
    if not chosen:
        spoken = ", ".join(row.dialects)
        raise _not_built(f"`backends.{name}`: {spoken}, which provider {row.name} speaks, is", catalog)
    known = {**catalog.kinds.general, **row.dialects}
    for dialect in chosen:
        if dialect not in known:
            raise SetupError(f"`backends.{name}.dialects`: provider {row.name} does not speak {dialect}")
    speaks = {dialect: known[dialect] for dialect in chosen}
    return msgspec.structs.replace(row, dialects=speaks)


def _not_built(what: str, catalog: Catalog) -> SetupError:
    built = ", ".join(sorted(catalog.built))
    return SetupError(f"{what} not built in this version; built are {built}", code="dialect_not_built")


def _beside(file: Path, name: str | None) -> str | None:
    """A path as the user wrote it, relative to the folder of the file."""
    return None if name is None else str(file.parent / Path(name).expanduser())


def _credentials(file: Path, named: str | None) -> str | None:
    """A profile's name as it is, a file as a path."""
    return _beside(file, named) if named is not None and ("/" in named or "\\" in named) else named


def _timeouts(settings: TimeoutSettings) -> Timeouts:
    return Timeouts(settings.connect, settings.first_byte, settings.idle)


def _check_key_travels_safely(made: Backend) -> None:
    row = made.provider
    if row.auth == "none" or made.key_env is None or row.local:
        return
    for url in made.bases.values():
        if not may_carry_key(url, allow_http=made.allow_http):
            raise SetupError(f"`backends.{made.name}.base_url`: {plain_http_complaint(url)}")

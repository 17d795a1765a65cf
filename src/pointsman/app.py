"""The composition root: puts an endpoint together out of configuration, and keeps it up to date."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from pointsman.accounts.auth import sign_ins
from pointsman.accounts.credentials import Credentials
from pointsman.accounts.keyring_store import KeyringStore
from pointsman.accounts.vault import Vault, service_name
from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.catalog.lookup import families
from pointsman.config.assemble import assemble, fallbacks, unknown_default
from pointsman.config.backends import Catalog, speaking
from pointsman.config.discovery import guests, loopback_addresses, missing_keys, neighbours
from pointsman.config.endpoint_file import read_endpoints
from pointsman.config.environment import API_KEY_VARIABLE, endpoint_key
from pointsman.config.load import Effective, load
from pointsman.config.paths import find_paths
from pointsman.config.schema import Settings
from pointsman.config.shipped import betas, detector, profiles, providers
from pointsman.config.watch import Reloader, kept
from pointsman.control import engines
from pointsman.control.accounts import AccountsView
from pointsman.control.description import describe
from pointsman.control.jobs import Jobs
from pointsman.control.known import Known
from pointsman.control.ledger_upkeep import LedgerUpkeep
from pointsman.control.pool_upkeep import PoolUpkeep
from pointsman.control.upkeep import Surveyor
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.pace import Pace
from pointsman.gateway.parts import Parts
from pointsman.routing.attempts import Patience
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend, Model, Snapshot
from pointsman.server.asgi import AsgiApplication
from pointsman.server.buffers import Buffers
from pointsman.server.endpoint import Endpoint
from pointsman.server.guard import Admission, is_loopback
from pointsman.server.service import Service
from pointsman.store.catalog_cache import CatalogCache
from pointsman.store.database import FILE as DATABASE
from pointsman.store.database import Database
from pointsman.store.responses import ResponsesStore
from pointsman.store.schema import MIGRATIONS
from pointsman.upstream.catalogs import Catalogs
from pointsman.upstream.discovery import find_pointsmen
from pointsman.upstream.engine import EngineTransport
from pointsman.upstream.http import HttpTransport
from pointsman.upstream.proxies import proxy_for
from pointsman.upstream.sockets import SocketTransport

VERSION = version("pointsman")
LOG = logging.getLogger("pointsman")
WATCH_EVERY = 1.0
"""Seconds between two looks at the configuration file."""
LOOK_EVERY = 30.0
"""Seconds between two looks at loopback ports where a model server may have started meanwhile."""
DRAIN_SECONDS = 60.0
"""How long an answer is read on after its client has left, where that is wanted."""
BUILT = frozenset(DIALECTS)
FROM_THE_START = ("host", "port", "secrets", "shutdown_timeout", "log_file", "verbose", "otlp_endpoint")
"""Settings that a running endpoint keeps, whatever becomes of the file."""


def _recorded(run: Path) -> tuple[tuple[str, int], ...]:
    """The address of each pointsman that runs already."""
    return tuple((other.host, other.port) for other in read_endpoints(run))


class App:
    """One endpoint, not yet listening."""

    def __init__(self, environment: Mapping[str, str], flags: Mapping[str, object] | None = None) -> None:
        """Raises SetupError for a configuration that does not load."""
        self._environment = environment
        self._key = endpoint_key(environment)
        self._flags = flags or {}
        self._own: tuple[tuple[str, int], ...] = ()
        self.paths = find_paths(environment)
        self._others = _recorded(self.paths.run)
        self.instance = secrets.token_hex(8)
        self.catalog = Catalog(providers(), BUILT)
        self._reloader = Reloader(self.paths.config_file, self._load)
        self.effective = self._load()
        self.began = self.effective.settings
        self.listens_on(self.began.port)
        self._known = Known(CatalogCache(self.paths.cache))
        self._proxies: dict[tuple[str, str | None], str | None] = {}
        self._warnings: tuple[str, ...] = ()
        self._config_error: str | None = None
        self.credentials = Credentials(environment, self._vault())
        self._database = Database(self.paths.data / DATABASE, MIGRATIONS)
        self._pool = PoolUpkeep(
            self.credentials, sign_ins(environment), self._database, lambda: self.service.parts
        )
        self.accounts = AccountsView(
            self._pool.pool, self.credentials, lambda: self.service.parts.router, self.paths.data
        )
        self._responses = ResponsesStore(self._database, time.time)
        told = (self.paths, self.instance, self.began, self.catalog.rows)
        self._ledger = LedgerUpkeep(*told, environment=environment, secrets=self.credentials.known)
        self.service = self._make_service()
        parts = self.service.parts
        self._pool.follow(self.began, parts.router.snapshot.backends)
        self._surveyor = Surveyor(
            lambda: parts.router, parts.transport, parts.pool, self._proxy_for, DIALECTS, self.instance
        )
        self._lists = Catalogs(self._surveyor.models, self._publish, chance=random.random)
        self._lists.watch(self._surveyor.listable())
        self.endpoint = Endpoint(lambda: self.service)
        self.asgi = AsgiApplication(self.endpoint, start=self.start, stop=self.stop)
        self._jobs = Jobs()

    # Configuration

    def _load(self) -> Effective:
        effective = load(self.paths.config_file, self._environment, self._flags)
        host = effective.settings.host
        if not is_loopback(host) and self._key is None:
            raise SetupError(
                f"listening on {host} lets others in: set {API_KEY_VARIABLE} to the key that they must send, "
                "or leave `host` at loopback"
            )
        return effective

    @property
    def key_required(self) -> bool:
        """Whether clients must send the endpoint's key."""
        return self._key is not None

    def _vault(self) -> Vault:
        keyring = KeyringStore(service_name(self.paths.home))
        return Vault(self.paths.data, self.effective.settings.secrets, keyring)

    def snapshot(self, effective: Effective) -> Snapshot:
        """The backends of a configuration, what was found, and the model inside. Raises SetupError."""
        assembled = assemble(effective, self.catalog, self._environment, self._own)
        found = {name: each for name, each in self._known.found.items() if name not in assembled.backends}
        backends = {**assembled.backends, **found}
        self._known.recall(backends)
        row = self.catalog.engine()
        if row is not None and row.name not in backends:
            backends[row.name] = engines.embedded(speaking(row.name, row, (), self.catalog), self.paths)
        settings = effective.settings
        self._warnings = (*assembled.warnings, *self._default_warnings(settings, backends))
        return Snapshot(
            backends=backends,
            guests=guests(self.catalog, backends) if settings.discover else {},
            catalogs={**self._known.catalogs, **engines.models(backends)},
            profiles=profiles(),
            aliases=settings.aliases,
            families=families(self.catalog.rows.values()),
            default=settings.default,
            fallbacks=fallbacks(settings),
            model=settings.model,
            embedded=row.name if row is not None else None,
            missing_keys=missing_keys(self.catalog, backends),
        )

    def _default_warnings(self, settings: Settings, backends: Mapping[str, Backend]) -> tuple[str, ...]:
        """A default that names nothing is an error, unless its server may still be found on its port."""
        wrong = unknown_default(settings.default, backends)
        if wrong is None:
            return ()
        row = self.catalog.rows.get(settings.default or "")
        if row is None or not row.ports or not settings.discover:
            raise SetupError(wrong)
        return (
            f"`default` is {row.name}, which does not answer on its usual port; start it, or configure it",
        )

    def listens_on(self, port: int) -> None:
        """Where it answers, so that a key meant for this endpoint is not taken for a provider's."""
        self._own = ((self.began.host, port), *self._others)

    @property
    def port(self) -> int:
        """Where it listens, or means to."""
        return self._own[0][1]

    # Parts

    def _make_service(self) -> Service:
        settings = self.effective.settings
        return Service(
            parts=self._make_parts(Router(self.snapshot(self.effective))),
            admission=self._admission(),
            buffers=Buffers(settings.max_body, settings.max_buffered),
            started=time.time(),
            default_dialect=next(iter(DIALECTS)),
            version=VERSION,
            describe=self.describe,
            accounts=self.accounts.page,
            next_of=self.accounts.next_of,
            reload=self.reload,
            ledger=self._ledger.ledger,
            reporting=self._ledger.reporting,
            detect=detector().detect,
        )

    def _make_parts(self, router: Router) -> Parts:
        ids = random.Random()
        return Parts(
            router=router,
            dialects=DIALECTS,
            transport=EngineTransport(SocketTransport(HttpTransport())),
            pool=self._pool.pool,
            instance=self.instance,
            clock=time.monotonic,
            wall=time.time,
            random=random.random,
            new_id=lambda: f"{ids.getrandbits(96):024x}",
            proxy_for=self._proxy_for,
            spending=self._ledger.rules.spending,
            betas=betas(),
            added_betas=self.effective.settings.passthrough_betas,
            own_key=self._key,
            known=self._ledger.reporting.known,
            unknown_model=self._look_again,
            responses=self._kept_responses(),
            patience=self._patience(),
            pace=self._pace(),
        )

    def _kept_responses(self) -> ResponsesStore | None:
        return self._responses if self.effective.settings.responses_store else None

    def _pace(self) -> Pace:
        return Pace(drain=DRAIN_SECONDS if self.effective.settings.drain_on_close else 0.0)

    def _patience(self) -> Patience:
        settings = self.effective.settings
        return Patience(settings.max_attempts, settings.queue_timeout)

    def _proxy_for(self, url: str, backend: Backend) -> str | None:
        key = (url, backend.proxy)
        if key not in self._proxies:
            self._proxies[key] = proxy_for(url, self._environment, backend.proxy)
        return self._proxies[key]

    def _admission(self) -> Admission:
        settings = self.effective.settings
        hosts = frozenset(
            name.lower().removesuffix(".") for name in (*settings.allowed_hosts, self.began.host)
        )
        origins = frozenset(origin.lower() for origin in settings.allowed_origins)
        own = None if self._key is None else self._key.encode()
        return Admission(hosts, origins, own, self._ledger.rules.keys, closed=self._ledger.rules.broken)

    # The running endpoint

    async def start(self) -> None:
        """Looks at this machine's neighbours, then begins what goes on in the background."""
        await self._pool.begin()
        await self._ledger.begin()
        if self.effective.settings.discover:
            await self._know_others()
            await self._meet_neighbours()
        self._jobs.begin(
            {
                "the configuration is followed": self._watch(),
                "models are listed": self._lists.run(),
                "servers on this machine are found": self._look_around(),
                "what is known of accounts is saved": self._pool.run(),
                **self._ledger.jobs(),
            }
        )

    async def _meet_neighbours(self) -> None:
        """Knocks at the ports that no backend has; who was met before stays, running or not."""
        present = self.service.parts.router.snapshot.backends
        candidates = neighbours(self.catalog, present, self._own)
        found = await self._surveyor.neighbours(candidates, self.catalog.kinds)
        if found:
            self._known.meet(found)
            self._take(self.effective, self._config_error)

    async def _know_others(self) -> None:
        """A key whose address is another pointsman's opens that one, and is no provider's."""
        backends = self.service.parts.router.snapshot.backends
        found = [each for name, each in backends.items() if name not in self.effective.settings.backends]
        others = await find_pointsmen(self.service.parts.transport, set(loopback_addresses(found)))
        if others:
            self._others += others
            self.listens_on(self.port)
            self._take(self.effective, self._config_error)

    async def _look_around(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self.effective.settings.discover:
                await self._meet_neighbours()

    async def stop(self) -> None:
        """Ends it, and closes every connection; harmless when done already."""
        await self._jobs.end()
        await self.service.parts.transport.close()
        self._pool.end()
        await asyncio.to_thread(self._database.close)
        await self._ledger.end()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            if self._ledger.rules.changed():
                self.service.admission = self._admission()
            change = self._reloader.poll()
            if change is not None:
                self._pool.forget_keys()
                self._take(change.loaded, change.error)

    def reload(self) -> Json:
        """Reads the configuration again, now; a broken one leaves things as they are."""
        self._pool.forget_keys()
        for name in self._lists.errors():
            self._lists.forget(name)
        try:
            self._take(self._load(), None)
        except SetupError as error:
            self._take(None, kept(error))
        return {"reloaded": self._config_error is None, "error": self._config_error}

    def _take(self, effective: Effective | None, error: str | None) -> None:
        """A configuration that loads replaces the one before as a whole."""
        try:
            if effective is not None:
                before = self.service.parts.router.snapshot.backends
                router = Router(self.snapshot(effective))
                self.effective = effective
                self.service.parts.router = router
                self.service.parts.patience = self._patience()
                self.service.parts.pace = self._pace()
                self.service.parts.responses = self._kept_responses()
                self._ledger.follow(effective.settings)
                self._pool.follow(effective.settings, router.snapshot.backends)
                self.service.parts.added_betas = effective.settings.passthrough_betas
                self.service.buffers.max_body = effective.settings.max_body
                self.service.buffers.max_total = effective.settings.max_buffered
                self.service.admission = self._admission()
                self._follow(before, router.snapshot.backends)
        except SetupError as broken:
            error = kept(broken)
        if error is not None and error != self._config_error:
            LOG.warning(error)  # whoever edits may look at this terminal alone
        self._config_error = error

    def _follow(self, before: Mapping[str, Backend], after: Mapping[str, Backend]) -> None:
        """Asks the new and the changed backends for their models."""
        for name, backend in after.items():
            if before.get(name, backend) != backend:
                self._lists.forget(name)
        self._lists.watch(self._surveyor.listable())

    def _look_again(self) -> None:
        """A request named a model that nobody has listed: it may be a new one."""
        self._lists.refresh()

    def _publish(self, name: str, models: tuple[Model, ...]) -> None:
        """A backend has listed its models."""
        self._known.learn(self.service.parts.router.snapshot.backends[name], models)
        self._take(self.effective, self._config_error)

    def describe(self) -> Json:
        """The status page's facts."""
        warnings = [*self._warnings, *filter(None, (self._config_error, self._known.warning))]
        warnings += (*self._jobs.warnings(), *self._database.warnings(), *self._ledger.warnings())
        warnings += [
            f"`{name}` has been changed, which holds from the next start"
            for name in FROM_THE_START
            if getattr(self.effective.settings, name) != getattr(self.began, name)
        ]
        facts = describe(
            self.service.parts.router,
            self.effective,
            self.accounts.key_state,
            warnings=warnings,
            list_errors=self._lists.errors(),
        )
        kept = {"kept": self.effective.settings.responses_store, "file": str(self._database.path)}
        own = {"port": self.port, "key_required": self.key_required, "responses": kept}
        return {**facts, **own, "budgets": self._ledger.rules.budgets()}

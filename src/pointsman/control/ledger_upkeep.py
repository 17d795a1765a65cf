"""The ledger's upkeep, and that of what hangs on it: reports, and the house rules.

It is opened with the endpoint, follows its configuration, and ends with it.
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider
from pointsman.config.environment import endpoint_key
from pointsman.config.paths import Paths
from pointsman.config.schema import Settings
from pointsman.control.house_rules import HouseRules
from pointsman.control.reporting import Reporting
from pointsman.ledger.contents import Bounds
from pointsman.ledger.cost import Costs
from pointsman.ledger.ledger import Ledger
from pointsman.ledger.price_list import listed
from pointsman.ledger.queries import missing
from pointsman.ledger.runs import counter_for, settle_killed
from pointsman.ledger.schema import FILE, MIGRATIONS
from pointsman.ledger.writing import Keeping
from pointsman.store.database import Database

CHECK_EVERY = 6 * 3600.0
"""Seconds between two looks through the whole file."""
PATIENCE = 30.0
"""Seconds that a writer of another process is waited for: what comes meanwhile waits in the queue."""


class LedgerUpkeep:
    """One endpoint's."""

    def __init__(
        self,
        paths: Paths,
        run: str,
        settings: Settings,
        providers: Mapping[str, Provider],
        *,
        environment: Mapping[str, str],
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        """`run` names this run of the endpoint; `secrets` gives the credentials of all accounts.

        Nothing is written before it begins.
        """
        self._folder = paths.run
        self._run = run
        self._providers = providers
        database = Database(paths.data / FILE, MIGRATIONS, busy=PATIENCE)
        counter = counter_for(paths.run, run, os.getpid())
        self.ledger = Ledger(database, counter, run, self._costs(settings), time.time)
        self.rules = HouseRules(paths, settings, self.ledger, keyed=endpoint_key(environment) is not None)
        self.follow(settings)
        self.reporting = Reporting(self.ledger, settings, paths.config, environment, secrets)
        self.ledger.redact, self.ledger.secrets = self.reporting.redact, self.reporting.secrets

    def follow(self, settings: Settings) -> None:
        """The configuration in force."""
        self.ledger.costs = self._costs(settings)
        self.rules.follow(settings)
        self.ledger.keeping = Keeping(settings.ledger_days, settings.ledger_records)
        self.ledger.bounds = Bounds(settings.content_days, settings.content_size)
        self.ledger.keeps_contents = settings.record_content

    def _costs(self, settings: Settings) -> Costs:
        return Costs(settings.prices, self._providers, listed)

    async def begin(self) -> None:
        """Counts what runs before have lost."""
        await asyncio.to_thread(self.reporting.begin, self._providers, self._run)
        await asyncio.to_thread(settle_killed, self._folder, self.ledger.database)
        await self.rules.begin()

    def jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What goes on beside the traffic, by what is missed once it has failed."""
        return {
            "the ledger is written": self.ledger.run(),
            "the ledger's file is looked through": self._look(),
            "budgets and halts are shared": self.rules.run(),
        }

    async def _look(self) -> None:
        """How much was lost with runs before, and whether the file is whole; nothing waits for it."""
        with suppress(SetupError):  # which stands among the database's warnings
            _, self.ledger.lost = await self.ledger.database.ask(missing)
        while True:
            await asyncio.to_thread(self.ledger.database.check)
            await asyncio.sleep(CHECK_EVERY)

    async def end(self) -> None:
        """Has written what is left."""
        await asyncio.to_thread(self.rules.end)
        await asyncio.to_thread(self.ledger.close)
        await asyncio.to_thread(self.reporting.close)

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        return (*self.ledger.warnings(), *self.reporting.warnings(), *self.rules.warnings())

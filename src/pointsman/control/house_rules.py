"""The house rules: whose keys open the endpoint, what may be spent, and what is not paid for at all."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.config.paths import Paths
from pointsman.config.schema import BudgetSettings, Settings
from pointsman.config.watch import Watch
from pointsman.control.halts import FILE as HALTS
from pointsman.control.halts import HaltsFile
from pointsman.gateway.spending import Spending
from pointsman.ledger import queries
from pointsman.ledger.guard import Guard, Rules
from pointsman.ledger.hours import NAMES
from pointsman.ledger.ledger import Ledger
from pointsman.ledger.record import NANO
from pointsman.routing.budget import Amount, Books, Budget, Period, Unit, begins
from pointsman.store.client_keys import FILE, ClientKey, ClientKeys

LOOK_EVERY = 1.0
"""Seconds between two looks for budgets that are new."""
_FREE_ONLY = frozenset({"local"})
_KEY, _MODEL, _BACKEND = (NAMES.index(name) for name in ("client_key", "model", "backend"))


class HouseRules:
    """One endpoint's."""

    def __init__(self, paths: Paths, settings: Settings, ledger: Ledger, *, keyed: bool) -> None:
        """`keyed`: whether the endpoint has a key of its own."""
        self._keyed = keyed
        self._file = ClientKeys(paths.data / FILE)
        self._watch = Watch(self._file.path)
        self._halts = HaltsFile(paths.data / HALTS)
        self._ledger = ledger
        self._settings = settings
        self._seen: int | None = None
        """The version of the ledger's file when it was last looked at."""
        self._unkept: str | None = None
        """Why the halts are not in their file."""
        self._broken: str | None = None
        self._unknown: list[Budget] = []
        """Budgets of which nobody has asked the ledger yet."""
        self.keys: Mapping[str, ClientKey] = {}
        """By digest."""
        self.spending = Spending(Books(), Guard(Rules()), lambda: ledger.costs, time.time)
        self._load()
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """The configuration in force."""
        self._settings = settings
        pays_for = _FREE_ONLY if settings.free_only else frozenset(settings.pays_for)
        mode = settings.guard if pays_for else "off"
        self.spending.guard.rules = Rules(mode, pays_for, settings.guard_cooldown)
        budgets, known = [*self._budgets()], set(self.spending.books.budgets)
        self._unknown = [*self._unknown, *(each for each in budgets if each not in known)]
        self.spending.books.follow(budgets)

    def _budgets(self) -> Iterator[Budget]:
        for name, each in self._settings.budgets.items():
            yield from _of_settings(name, each)
        for key in self.keys.values():
            if key.revoked is None:
                yield from _of_key(key)

    def _load(self) -> None:
        try:
            self.keys = {key.digest: key for key in self._file.load()}
            self._broken = None
        except SetupError as error:
            # Whoever was let in before stays; nobody else comes in.
            self._broken = error.message

    async def begin(self) -> None:
        """Takes up what was spent and halted before."""
        await self.recall()
        self.spending.guard.restore(await asyncio.to_thread(self._halts.load) or {})

    async def run(self) -> None:
        """Takes up what was spent of new budgets before, and what other endpoints spend and halt, until it is
        cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._share_halts()
            with suppress(SetupError):  # which stands among the database's warnings
                if self.spending.books.budgets and await self._ledger.database.ask(self._is_other):
                    self._unknown = list(self.spending.books.budgets)
            await self.recall()

    async def _share_halts(self) -> None:
        guard = self.spending.guard
        if not guard.changed:
            halts = await asyncio.to_thread(self._halts.news)
            if halts is not None:
                guard.restore(halts)
            return
        own, resumed = guard.halts(), guard.resumed
        try:
            together = await asyncio.to_thread(self._halts.save, own, resumed=resumed)
        except SetupError as error:
            self._unkept = f"a restart forgets what the guard has halted or resumed: {error.message}"
            return
        self._unkept = None
        if guard.halts() == own:
            guard.changed = guard.resumed = False
            guard.restore(together)

    def _is_other(self, connection: sqlite3.Connection) -> bool:
        """Whether another process has written to the ledger since the last time."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._seen = self._seen, version
        return before is not None and before != version

    def end(self) -> None:
        """Has written what is left."""
        if self.spending.guard.changed:
            with suppress(SetupError):
                self._halts.save(self.spending.guard.halts(), resumed=self.spending.guard.resumed)

    async def recall(self) -> None:
        """Takes up what was spent of budgets that are new, as the ledger knows it."""
        budgets, self._unknown = self._unknown, []
        if not budgets:
            return
        if any(budget.unit == "dollars" for budget in budgets):
            await asyncio.to_thread(self._ledger.costs.warm)
        with suppress(SetupError):  # which stands among the database's warnings
            await self._ledger.database.ask(lambda connection: self._recall(connection, budgets))

    def _recall(self, connection: sqlite3.Connection, budgets: Sequence[Budget]) -> None:
        now = time.time()
        # The ledger does not tell which requests counted for a minute's limit, which is over soon anyway.
        for budget in (each for each in budgets if each.per != "minute"):
            spent = Amount(0)
            for names, sums in queries.by_names(connection, begins(budget.per, now)):
                model = names[_MODEL]
                if budget.covers(names[_KEY] or None, (model, f"{names[_BACKEND]}:{model}")):
                    spent += Amount(sums.requests, sums.tokens, sums.cost)
            self.spending.books.recall(budget, spent, now)

    def budgets(self) -> list[Json]:
        """What is spent of each budget; dollars in dollars, moments in seconds since the epoch."""
        return [
            {
                "name": budget.name,
                "per": budget.per,
                "unit": budget.unit,
                "most": budget.most / NANO if budget.unit == "dollars" else budget.most,
                "spent": spent / NANO if budget.unit == "dollars" else spent,
                "resets": resets,
            }
            for budget, spent, resets in self.spending.books.states(time.time())
        ]

    def changed(self) -> bool:
        """Whether the keys have changed, which are then read anew."""
        if not self._watch.changed():
            return False
        self._load()
        self.follow(self._settings)
        return True

    @property
    def broken(self) -> bool:
        """Whether the file with the clients' keys cannot be read."""
        return self._broken is not None

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        said = [*filter(None, (self._broken, self._unkept))]
        settings = self._settings
        if not self._keyed and any(key.revoked is None for key in self.keys.values()):
            said.append(
                "there are client keys, and POINTSMAN_API_KEY is not set, so that they alone open this "
                "endpoint: set it and start again, and use it yourself"
            )
        names = {key.name for key in self.keys.values()}
        said += [
            f"budget {name} is for key {each.key}, which there is not"
            for name, each in settings.budgets.items()
            if each.key is not None and each.key not in names
        ]
        if settings.guard == "halt" and not (settings.pays_for or settings.free_only):
            said.append('`guard = "halt"` halts nothing: say what you pay for in `pays_for`, or `free_only`')
        return (*said, *self.spending.warnings())


def _of_settings(name: str, settings: BudgetSettings) -> Iterator[Budget]:
    models = tuple(each.lower() for each in settings.models)
    if settings.dollars is not None:
        yield Budget(name, "dollars", round(settings.dollars * NANO), settings.per, models, settings.key)
    if settings.tokens is not None:
        yield Budget(name, "tokens", settings.tokens, settings.per, models, settings.key)


def _of_key(key: ClientKey) -> Iterator[Budget]:
    limits = key.limits
    found: tuple[tuple[float | None, Unit, Period], ...] = (
        (limits.dollars_per_day, "dollars", "day"),
        (limits.dollars_per_month, "dollars", "month"),
        (limits.tokens_per_day, "tokens", "day"),
        (limits.tokens_per_month, "tokens", "month"),
        (limits.requests_per_minute, "requests", "minute"),
    )
    for most, unit, per in found:
        if most is not None:
            whole = round(most * NANO) if unit == "dollars" else int(most)
            yield Budget(f"of key {key.name}", unit, whole, per, (), key.name)

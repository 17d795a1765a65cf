"""The pool's upkeep: what it knows is written down, and keys that were refused are looked at anew.

Written with it is what is kept for clients of the state that the pool's accounts issued.
"""

import asyncio
from collections.abc import Callable, Mapping

from pointsman.accounts.credentials import Credentials
from pointsman.accounts.grant import SignsIn
from pointsman.accounts.holder import Holder
from pointsman.accounts.memory import Memory
from pointsman.accounts.oauth.session import OAuthSignIn
from pointsman.accounts.pool import Pacing, Pool
from pointsman.accounts.queue import Timer
from pointsman.catalog.provider import SignIn
from pointsman.config.schema import Settings
from pointsman.gateway.keepsake_memory import KeepsakeMemory
from pointsman.gateway.parts import Parts
from pointsman.routing.snapshot import Backend
from pointsman.store.database import Database

REMEMBER_EVERY = 1.0
"""Seconds between two writings of what the pool knows."""


class PoolUpkeep:
    """One endpoint's pool. Clock, chance and timers are those of the parts, whoever changes them."""

    def __init__(
        self,
        credentials: Credentials,
        sign_ins: Mapping[SignIn, SignsIn],
        database: Database,
        parts: Callable[[], Parts],
    ) -> None:
        self._credentials = credentials
        self._sign_ins = sign_ins
        self._parts = parts
        self.pool = Pool(Holder(credentials, sign_ins), self._wall, self._chance, self._later)
        self._memory = Memory(self.pool, database)
        self._keepsakes = KeepsakeMemory(parts, database)
        self._keys_changed = asyncio.Event()

    def _wall(self) -> float:
        return self._parts().wall()

    def _chance(self) -> float:
        return self._parts().random()

    def _later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self._parts().later(seconds, call)

    def follow(self, settings: Settings, backends: Mapping[str, Backend]) -> None:
        """The configuration in force."""
        self.pool.pacing = Pacing(settings.pace_min, settings.pace_jitter)
        self.pool.follow(backends)

    async def begin(self) -> None:
        """Takes up what was known before."""
        await self._memory.load()
        await self._keepsakes.load()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._remember())
            group.create_task(self._renew())

    def end(self) -> None:
        """Has written what is left."""
        self._save()

    def forget_keys(self) -> None:
        """Keys may have been added, changed or removed."""
        self._credentials.forget()
        for sign_in in self._sign_ins.values():
            if isinstance(sign_in, OAuthSignIn):
                sign_in.forget()
        self._keys_changed.set()

    async def _remember(self) -> None:
        while True:
            await asyncio.sleep(REMEMBER_EVERY)
            self._save()

    def _save(self) -> None:
        self._memory.save()
        self._keepsakes.save()

    async def _renew(self) -> None:
        while True:
            await self.pool.renew(tuple(self._parts().router.snapshot.backends.values()))
            await self._keys_changed.wait()
            self._keys_changed.clear()

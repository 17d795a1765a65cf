"""The memory of the pool: what a restart must not lose, in the database that all state shares.

Windows and cool-downs, refused keys, which conversation stays with which account, and who made opaque state.
What changed is written once a second, behind the traffic; a process that is killed loses that second.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from math import inf
from typing import Literal

import msgspec
from msgspec import Struct

from pointsman.accounts.bindings import Binding, Bounds
from pointsman.accounts.makers import MOST
from pointsman.accounts.pool import Pool
from pointsman.canon.errors import SetupError
from pointsman.routing.standing import Block, Standing
from pointsman.routing.window import Window
from pointsman.store.database import Database

ACCOUNTS = 1000
"""Accounts that are remembered; those that were changed last."""


class SavedBlock(Struct, frozen=True):
    """A block; no time stands for good."""

    until: float | None
    why: str
    kind: Literal["limit", "failing", "refused"]
    since: float
    repeats: int
    key: str | None


class SavedStanding(Struct, frozen=True):
    """What is kept of an account's standing."""

    windows: tuple[Window, ...] = ()
    status: str | None = None
    claim: str | None = None
    overage: str | None = None
    reported: float | None = None
    blocks: dict[str, SavedBlock] = {}
    refused_betas: dict[str, float] = {}
    owner: str | None = None


class Memory:
    """One pool's, in one database."""

    def __init__(self, pool: Pool, database: Database) -> None:
        self._pool = pool
        self._database = database
        self._noted = 0

    async def load(self) -> None:
        """Takes up what was kept; a database that cannot be read is told elsewhere, and stops nothing."""
        if not await asyncio.to_thread(self._database.path.exists):
            return
        try:
            accounts, bindings, makers = await self._database.ask(_read)
        except SetupError:
            return
        for (backend, account), told in accounts.items():
            self._pool.recall(backend, account, told)
        for backend, conversation, account, used in bindings:
            self._pool.bindings.restore((backend, conversation), Binding(account, used))
        for piece, issuer, noted in makers:
            self._pool.makers.restore(piece, issuer)
            self._noted = max(self._noted, noted)

    def save(self) -> None:
        """Has written what changed since the last time."""
        pool = self._pool
        accounts = [(backend, account) for backend, account in pool.changed]
        pool.changed.clear()
        told = [(*key, _encoded(standing)) for key in accounts if (standing := pool.find(*key)) is not None]
        bound = pool.bindings.taken_changes()
        made = pool.makers.taken_changes()
        if not told and not bound and not made:
            return
        pieces = [(piece, issuer, self._noted + number) for number, (piece, issuer) in enumerate(made, 1)]
        self._noted += len(pieces)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO standings VALUES (?, ?, ?)", told)
            _write_bindings(connection, bound)
            connection.executemany("INSERT OR REPLACE INTO makers VALUES (?, ?, ?)", pieces)
            _tidy(connection)

        self._database.give(write, sum(len(row[2]) for row in told) + 64 * (len(bound) + len(pieces)))


def _read(
    connection: sqlite3.Connection,
) -> tuple[
    dict[tuple[str, str], Standing], list[tuple[str, bytes, str, float]], list[tuple[bytes, str, int]]
]:
    accounts = {
        (backend, account): decoded
        for backend, account, told in connection.execute("SELECT backend, account, told FROM standings")
        if (decoded := _decoded(told)) is not None
    }
    bindings = connection.execute(
        "SELECT backend, conversation, account, used FROM bindings ORDER BY used"
    ).fetchall()
    makers = connection.execute("SELECT piece, issuer, noted FROM makers ORDER BY noted").fetchall()
    return accounts, bindings, makers


def _write_bindings(
    connection: sqlite3.Connection, bound: Mapping[tuple[str, bytes], Binding | None]
) -> None:
    gone = [key for key, binding in bound.items() if binding is None]
    kept = [(*key, binding.alias, binding.used) for key, binding in bound.items() if binding is not None]
    connection.executemany("DELETE FROM bindings WHERE backend = ? AND conversation = ?", gone)
    connection.executemany(
        "INSERT OR REPLACE INTO bindings (backend, conversation, account, used) VALUES (?, ?, ?, ?)", kept
    )


def _tidy(connection: sqlite3.Connection) -> None:
    """Several processes may write: each keeps the bounds."""
    connection.execute(
        "DELETE FROM bindings WHERE (backend, conversation) IN (SELECT backend, conversation FROM bindings "
        "ORDER BY used DESC LIMIT -1 OFFSET ?)",
        (Bounds().conversations,),
    )
    connection.execute("DELETE FROM makers WHERE noted <= (SELECT MAX(noted) FROM makers) - ?", (MOST,))
    connection.execute(
        "DELETE FROM standings WHERE (backend, account) IN (SELECT backend, account FROM standings "
        "LIMIT -1 OFFSET ?)",
        (ACCOUNTS,),
    )


def _encoded(standing: Standing) -> bytes:
    blocks = {
        model: SavedBlock(
            None if block.until == inf else block.until,
            block.why,
            block.kind,
            block.since,
            block.repeats,
            block.key,
        )
        for model, block in standing.blocks.items()
    }
    saved = SavedStanding(
        standing.windows,
        standing.status,
        standing.claim,
        standing.overage,
        standing.reported,
        blocks,
        standing.refused_betas,
        standing.owner,
    )
    return msgspec.json.encode(saved)


def _decoded(told: bytes) -> Standing | None:
    """A standing without its account; None for a row that a later version wrote otherwise."""
    try:
        saved = msgspec.json.decode(told, type=SavedStanding)
    except msgspec.MsgspecError:
        return None
    blocks = {
        model: Block(
            inf if block.until is None else block.until,
            block.why,
            block.kind,
            block.since,
            block.repeats,
            block.key,
        )
        for model, block in saved.blocks.items()
    }
    return Standing(
        windows=saved.windows,
        status=saved.status,
        claim=saved.claim,
        overage=saved.overage,
        reported=saved.reported,
        blocks=blocks,
        refused_betas=saved.refused_betas,
        owner=saved.owner,
    )

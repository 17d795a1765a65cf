"""The memory of keepsakes: what a restart must not lose, in the database that all state shares.

What changed is written once a second, behind the traffic; a process that is killed loses that second. Several
processes may write: what two of them say otherwise of one call is given back by none. Where nothing of
conversations may be on disk (`responses_store`), nothing is written or read, and what was written ages.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct, structs

from pointsman.canon.blocks import SPELLING, Native, Thinking
from pointsman.canon.errors import RequestError, SetupError
from pointsman.canon.json import Json
from pointsman.gateway.keepsakes import DISPUTED, ENTRY_BYTES, Bounds, Change, Keepsake, agreed
from pointsman.gateway.parts import Parts
from pointsman.store.database import Database
from pointsman.wire.json import decode_object, encode

TIDY_EVERY = 300.0
"""Seconds after which what is too old goes, though nothing was written."""


class _Saved(Struct, frozen=True):
    """What is kept of a keepsake's state."""

    blocks: tuple[Thinking, ...] = ()
    native: Native | None = None
    behind: tuple[int, ...] = ()


class KeepsakeMemory:
    """One endpoint's, in one database. Clocks and keepsakes are those of the parts, whoever changes them."""

    def __init__(self, parts: Callable[[], Parts], database: Database) -> None:
        self._parts = parts
        self._database = database
        self._filled = False
        """Whether there may be anything to tidy."""
        self._tidied = 0.0

    async def load(self) -> None:
        """Takes up what was kept; a database that cannot be read is told elsewhere, and stops nothing."""
        self._filled = await asyncio.to_thread(self._database.path.exists)
        parts = self._parts()
        if not self._filled or parts.responses is None:
            return
        now, age = parts.wall(), parts.keepsakes.bounds.age
        try:
            rows = await self._database.ask(lambda connection: _read(connection, now - age))
        except SetupError:
            return
        for key, issuer, kept, used in rows:
            parts.keepsakes.restore(key, issuer, kept, max(0.0, now - used))

    def save(self) -> None:
        """Has written what changed since the last time, and what is too old deleted."""
        parts = self._parts()
        changes = parts.keepsakes.taken_changes()
        if parts.responses is None:
            changes = []
        due = self._filled and parts.clock() - self._tidied >= TIDY_EVERY
        if not changes and not due:
            return
        self._filled, self._tidied = True, parts.clock()
        now, bounds = parts.wall(), parts.keepsakes.bounds

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM keepsakes WHERE used <= ?", (now - bounds.age,))
            _write(connection, changes, now)
            _tidy(connection, bounds)

        self._database.give(write, sum(ENTRY_BYTES + change.kept.size for change in changes))


def _read(connection: sqlite3.Connection, oldest: float) -> list[tuple[str, str, Keepsake, float]]:
    rows = connection.execute(
        "SELECT place, issuer, answer, told, used FROM keepsakes WHERE used > ? ORDER BY used", (oldest,)
    )
    return [
        (key, issuer, kept, used)
        for key, issuer, answer, told, used in rows
        if (kept := _decoded(answer, told)) is not None
    ]


def _write(connection: sqlite3.Connection, changes: Sequence[Change], now: float) -> None:
    for change in changes:
        row = connection.execute(
            "SELECT answer, told FROM keepsakes WHERE place = ? AND issuer = ?", (change.key, change.issuer)
        ).fetchone()
        kept = agreed(None if row is None else _decoded(*row), change.kept)
        told = _encoded(kept)
        connection.execute(
            "INSERT OR REPLACE INTO keepsakes (place, issuer, answer, told, size, used) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                change.key,
                change.issuer,
                kept.answer if told else "",
                told,
                ENTRY_BYTES + len(change.key) + len(told),
                now - change.idle,
            ),
        )


def _tidy(connection: sqlite3.Connection, bounds: Bounds) -> None:
    """Several processes may write: each keeps the bounds."""
    connection.execute(
        "DELETE FROM keepsakes WHERE rowid IN (SELECT rowid FROM (SELECT rowid, "
        "COUNT(*) OVER latest AS entries, SUM(size) OVER latest AS total FROM keepsakes "
        "WINDOW latest AS (ORDER BY used DESC, rowid DESC ROWS UNBOUNDED PRECEDING)) "
        "WHERE entries > ? OR total > ?)",
        (bounds.entries, bounds.size),
    )


def _encoded(kept: Keepsake) -> bytes:
    """The state; nothing for what is disputed, and for what cannot be written."""
    if not kept.answer:
        return b""
    blocks = [
        {
            **structs.asdict(block),
            "extra": _plain(block.extra),
            "native": _native(block.native),
            "cache": None,
        }
        for block in kept.blocks
    ]
    try:
        return encode({"blocks": blocks, "native": _native(kept.native), "behind": kept.behind})
    except (RequestError, NotImplementedError):
        return b""


def _native(native: Native | None) -> Json | None:
    return None if native is None else {**structs.asdict(native), "data": _plain(native.data)}


def _plain(members: Json) -> Json:
    return {name: value for name, value in members.items() if name != SPELLING}


def _decoded(answer: str, told: bytes) -> Keepsake | None:
    """What a row says; None for one that a later version wrote otherwise."""
    if not told:
        return DISPUTED
    try:
        saved = msgspec.convert(decode_object(told), _Saved)
    except (msgspec.MsgspecError, RequestError):
        return None
    return Keepsake(saved.blocks, saved.native, answer, saved.behind)

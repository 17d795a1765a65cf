"""Responses that clients may come back to: kept here, or noted with the backend that keeps them.

Each is bound to its owner, a hash of the client's key: nobody else finds it. One response holds its own
input and its answer; those before it are found by following `previous`.
"""

import sqlite3
from collections.abc import Callable

from msgspec import Struct

from pointsman.store.database import Database

DAY = 86400.0
_LONGEST_CHAIN = 4096
"""Responses that one conversation may be made of."""


class Bounds(Struct, frozen=True):
    """How much is kept, and for how long."""

    size: int = 500 * 1024 * 1024
    """Bytes of inputs and answers; the oldest go first."""
    age: float = 30 * DAY
    """Seconds since one was last used: made, read or continued."""
    noted: int = 100_000
    """Responses that are kept elsewhere."""
    every: int = 16
    """After how many new ones it is tidied up."""


class Kept(Struct, frozen=True):
    """A response that is kept here."""

    id: str
    previous: str | None
    input: bytes
    """The items that its request brought, as a JSON array."""
    answer: bytes
    """The whole response, a JSON object."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.input) + len(self.answer)


class MadeElsewhere(Struct, frozen=True):
    """A response that the backend which made it keeps."""

    backend: str | None
    """None where it is not the owner's who asks."""
    account: str | None = None
    """With which of the backend's accounts it was made; None where that is not known."""


class ResponsesStore:
    """Over one database; `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float], bounds: Bounds | None = None) -> None:
        self.database = database
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._since_tidied = 0

    def keep(self, owner: bytes, kept: Kept) -> None:
        """Keeps one. Where another answer has the same id, neither is given back: it may be either's."""
        now = self._clock()
        self._since_tidied += 1

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO responses (owner, id, previous, used, size, input, answer) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, id) DO UPDATE SET disputed = 1",
                (owner, kept.id, kept.previous, now, kept.size, kept.input, kept.answer),
            )

        self.database.give(write, kept.size)
        if self._since_tidied >= self._bounds.every:
            self.tidy()

    def note(self, owner: bytes, response_id: str, backend: str, account: str) -> None:
        """Remembers who keeps one."""
        now = self._clock()
        self._since_tidied += 1
        self.database.give(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO made_elsewhere (owner, id, backend, account, used) "
                "VALUES (?, ?, ?, ?, ?)",
                (owner, response_id, backend, account, now),
            )
        )
        if self._since_tidied >= self._bounds.every:
            self.tidy()

    async def find(self, owner: bytes, response_id: str) -> Kept | MadeElsewhere | None:
        """One of the owner's, or None. Raises SetupError."""
        oldest = self._clock() - self._bounds.age

        def read(connection: sqlite3.Connection) -> Kept | MadeElsewhere | None:
            kept = _read(connection, owner, response_id, oldest)
            return kept or _elsewhere(connection, owner, response_id)

        found = await self.database.ask(read)
        if isinstance(found, Kept):
            self._use(owner, (found,))
        return found

    async def conversation(self, owner: bytes, response_id: str) -> tuple[Kept, ...] | MadeElsewhere | None:
        """A response and those before it, the first one first; None unless all are there.

        Raises SetupError.
        """
        oldest = self._clock() - self._bounds.age

        def read(connection: sqlite3.Connection) -> tuple[Kept, ...] | MadeElsewhere | None:
            found: list[Kept] = []
            wanted: str | None = response_id
            while wanted is not None and len(found) < _LONGEST_CHAIN:
                kept = _read(connection, owner, wanted, oldest)
                if kept is None:
                    return None if found else _elsewhere(connection, owner, response_id)
                found.append(kept)
                wanted = kept.previous
            return tuple(reversed(found)) if wanted is None else None

        found = await self.database.ask(read)
        if isinstance(found, tuple):
            self._use(owner, found)
        return found

    def _use(self, owner: bytes, used: tuple[Kept, ...]) -> None:
        """Those that are used are not the oldest any longer: a conversation that goes on stays whole."""
        now = self._clock()
        rows = [(now, owner, kept.id) for kept in used]
        self.database.give(
            lambda connection: connection.executemany(
                "UPDATE responses SET used = ? WHERE owner = ? AND id = ?", rows
            )
        )

    async def remove(self, owner: bytes, response_id: str) -> bool:
        """Deletes one; whether it was there. Its id stays known, as nobody's. Raises SetupError."""
        now = self._clock()

        def delete(connection: sqlite3.Connection) -> bool:
            gone = connection.execute(
                "DELETE FROM responses WHERE owner = ? AND id = ?", (owner, response_id)
            ).rowcount
            if gone:
                connection.execute(
                    "INSERT OR REPLACE INTO made_elsewhere (owner, id, backend, used) VALUES (?, ?, '', ?)",
                    (owner, response_id, now),
                )
            return gone > 0

        return await self.database.ask(delete)

    def tidy(self) -> None:
        """Lets go of what is too old and of what is too much."""
        self._since_tidied = 0
        now = self._clock()
        self.database.give(lambda connection: _tidy(connection, self._bounds, now))


def _read(connection: sqlite3.Connection, owner: bytes, response_id: str, oldest: float) -> Kept | None:
    row = connection.execute(
        "SELECT id, previous, input, answer FROM responses "
        "WHERE owner = ? AND id = ? AND NOT disputed AND used > ?",
        (owner, response_id, oldest),
    ).fetchone()
    return None if row is None else Kept(*row)


def _elsewhere(connection: sqlite3.Connection, owner: bytes, response_id: str) -> MadeElsewhere | None:
    rows = connection.execute(
        "SELECT owner, backend, account FROM made_elsewhere WHERE id = ?", (response_id,)
    ).fetchall()
    own = next((MadeElsewhere(*where) for whose, *where in rows if whose == owner and where[0]), None)
    if own is not None:
        return own
    anothers = connection.execute(
        "SELECT 1 FROM responses WHERE id = ? AND owner <> ? LIMIT 1", (response_id, owner)
    ).fetchone()
    return MadeElsewhere(None) if rows or anothers else None


def _tidy(connection: sqlite3.Connection, bounds: Bounds, now: float) -> None:
    connection.execute("DELETE FROM responses WHERE used <= ?", (now - bounds.age,))
    connection.execute("DELETE FROM made_elsewhere WHERE used <= ?", (now - bounds.age,))
    connection.execute(
        "DELETE FROM made_elsewhere WHERE (owner, id) IN "
        "(SELECT owner, id FROM made_elsewhere ORDER BY used DESC LIMIT -1 OFFSET ?)",
        (bounds.noted,),
    )
    total = connection.execute("SELECT COALESCE(SUM(size), 0) FROM responses").fetchone()[0]
    if total > bounds.size:
        _shrink(connection, total - bounds.size)
    connection.execute("PRAGMA incremental_vacuum").fetchall()


def _shrink(connection: sqlite3.Connection, surplus: int) -> None:
    """Deletes the oldest until so many bytes are gone."""
    gone: list[tuple[int]] = []
    for rowid, size in connection.execute("SELECT rowid, size FROM responses ORDER BY used, rowid"):
        gone.append((rowid,))
        surplus -= size
        if surplus <= 0:
            break
    connection.executemany("DELETE FROM responses WHERE rowid = ?", gone)

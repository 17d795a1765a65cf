"""A database: one SQLite file that several processes share, and the one thread of this process that uses it.

Traffic never waits for the disk and never fails with it: what cannot be written is dropped and told
(`trouble`), a file that is broken is set aside and begun anew, one that a newer version wrote is left alone.
Work is done in the order in which it was given, so whoever asks finds what was written before.
"""

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

from pointsman.canon.errors import SetupError
from pointsman.store.files import make_private, remove, set_aside

LOG = logging.getLogger("pointsman")
Result = TypeVar("Result")
Work: TypeAlias = Callable[[sqlite3.Connection], Result]
Ended: TypeAlias = Callable[[bool], None]

FILE = "pointsman.db"
BUSY_SECONDS = 5.0
"""How long another process's write is waited for."""
ASK_SECONDS = 10.0
"""How long an answer is waited for, behind all the work that was given before."""
MOST_WAITING = 64 * 1024 * 1024
"""Bytes of what waits to be written; beyond it work is dropped."""
CLOSE_SECONDS = 5.0
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NEW_FILE = "PRAGMA auto_vacuum = INCREMENTAL"
"""Holds for a file that has no table yet, and for good."""
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    # What was deleted is not left in the file.
    "PRAGMA secure_delete = ON",
)
FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What work raises that is wrong in itself, as with a number that is too large for SQLite."""
_LOOK = "PRAGMA quick_check(1)"
_BESIDE = ("-wal", "-shm")


class NewerError(SetupError):
    """The file is a newer version's."""


class Database:
    """Opened by the first work that is given; `migrations` lead from one schema to the next, by number."""

    def __init__(
        self, path: Path, migrations: Sequence[Sequence[str]], *, busy: float = BUSY_SECONDS
    ) -> None:
        self.path = path
        self.trouble: str | None = None
        """What is wrong now; None once work succeeds again."""
        self.set_aside: Path | None = None
        """Where a broken file was put."""
        self.removed = False
        """Whether somebody has removed the file while it was in use."""
        self.dropped = 0
        """How much work was not done."""
        self._migrations = migrations
        self._busy = busy
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting = 0
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        """Which file it has open."""
        self._given_up: NewerError | None = None

    # Whoever has work

    def give(self, work: Work[object], weight: int = 0, ended: Ended = lambda _: None) -> None:
        """Has work done in its turn, as one transaction. `weight`: its bytes.

        `ended` is told whether it was done, in the thread that did it, or at once where it is dropped.
        """
        with self._counting:
            crowded = self._waiting + weight > MOST_WAITING
            if not crowded:
                self._waiting += weight
        if crowded:
            self.dropped += 1
            self.trouble = f"{self.path} is written too slowly: what should have been kept was dropped"
            ended(False)
            return
        self._put(lambda: self._do(work, weight, ended))

    async def ask(self, work: Work[Result]) -> Result:
        """The result of work, which is one transaction that begins with reading.

        Raises SetupError that says why there is none.
        """
        future: Future[Result] = Future()
        self._put(lambda: self._answer(work, future))
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise SetupError(f"{self.path} did not answer within {ASK_SECONDS:g} s; try again") from error

    def check(self) -> None:
        """Looks through the whole file, beside whoever uses it, and has it set aside if it is broken.

        May take a second for some hundred megabytes.
        """
        with suppress(sqlite3.Error):  # who cannot even open it says so himself
            if self.path.exists() and not _is_sound(self.path, self._busy, change=False):
                self.give(_look_through)

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        said = [self.trouble]
        if self.set_aside is not None:
            said.append(f"{self.path} was broken and is begun anew; the old one is {self.set_aside}")
        if self.removed:
            said.append(f"{self.path} was removed while in use, and is begun anew without what it held")
        return tuple(filter(None, said))

    def close(self) -> None:
        """Does what was given before, within bounds, and closes the file; the next work opens it again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join(CLOSE_SECONDS)

    def _put(self, job: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name=f"pointsman {self.path.name}", daemon=True
            )
            self._thread.start()
        self._jobs.put(job)

    # In the thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._let_go()

    def _do(self, work: Work[object], weight: int, ended: Ended) -> None:
        with self._counting:
            self._waiting -= weight
        try:
            self._transact(work, "BEGIN IMMEDIATE")
        except SetupError:
            self.dropped += 1
            ended(False)
        else:
            ended(True)

    def _answer(self, work: Work[Result], future: "Future[Result]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._transact(work, "BEGIN"))
        except SetupError as error:
            future.set_exception(error)

    def _transact(self, work: Work[Result], begin: str) -> Result:
        """Raises SetupError; a broken file is set aside, and the work done on a new one."""
        for again in (False, True):
            try:
                result = _transaction(self._open(), work, begin)
            except SetupError as error:
                self.trouble = error.message
                raise
            except sqlite3.Error as error:
                self.trouble = f"{self.path} cannot be used: {error}"
                self._let_go()
                if again or not _is_broken(error):
                    raise SetupError(self.trouble) from error
                self._put_aside()
            except FAULTS as error:
                # Whatever it is, what comes behind it must not suffer: this thread is the only one.
                LOG.exception("work for %s failed, for a fault of pointsman's own", self.path)
                self.trouble = f"{self.path}: work failed, for a fault of pointsman's own: {error!r:.200}"
                raise SetupError(self.trouble) from error
            else:
                self.trouble = None
                return result
        raise AssertionError("the second try returns or raises")

    def _open(self) -> sqlite3.Connection:
        """Raises SetupError, sqlite3.Error."""
        if self._given_up is not None:
            raise self._given_up
        if self._connection is not None and self._opened != _identity(self.path):
            # What is written to it would be found by nobody.
            self.removed = True
            self._let_go()
        if self._connection is None:
            self._make_file()
            connection = sqlite3.connect(self.path, timeout=self._busy, isolation_level=None)
            try:
                _prepare(connection, self._migrations, self.path)
            except NewerError as error:
                self._given_up = error
                connection.close()
                raise
            except BaseException:
                connection.close()
                raise
            self._connection, self._opened = connection, _identity(self.path)
        return self._connection

    def _make_file(self) -> None:
        """For its owner alone; SQLite gives the files beside it the same mode. Raises SetupError."""
        make_private(self.path.parent)
        try:
            # Only where there is none: closing a file ends this process's locks on it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise SetupError(f"cannot make {self.path}: {error.strerror}") from error

    def _put_aside(self) -> None:
        """A broken file, with those beside it, unless another process has done so. Raises SetupError."""
        if _is_sound(self.path, self._busy):
            return
        self.set_aside = set_aside(self.path, "broken")
        for end in _BESIDE:
            # They belong to the broken file, and SQLite would take them for the new one's.
            remove(self.path.with_name(self.path.name + end))

    def _let_go(self) -> None:
        """The next work opens the file anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one in its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _transaction(connection: sqlite3.Connection, work: Work[Result], begin: str) -> Result:
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise
    return result


def _prepare(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]], path: Path) -> None:
    """Brings the schema up to date, in one transaction. Raises NewerError before it touches anything."""
    version = _known_version(connection, migrations, path)
    for pragma in _PRAGMAS if version else (_NEW_FILE, *_PRAGMAS):
        connection.execute(pragma)

    def steps(connection: sqlite3.Connection) -> None:
        # Read again: another process may have been at it.
        for migration in migrations[_known_version(connection, migrations, path) :]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")

    if version < len(migrations):
        _transaction(connection, steps, "BEGIN IMMEDIATE")


def _known_version(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]], path: Path) -> int:
    """How many migrations the file has seen. Raises NewerError."""
    row: tuple[Any, ...] = connection.execute("PRAGMA user_version").fetchone()
    version = int(row[0])
    if version > len(migrations):
        raise NewerError(
            f"{path} was written by a newer pointsman (schema {version}, this one knows {len(migrations)}) "
            "and is left alone; update pointsman, or set another POINTSMAN_HOME"
        )
    return version


def _is_broken(error: sqlite3.Error) -> bool:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _BROKEN


def _look_through(connection: sqlite3.Connection) -> None:
    if connection.execute(_LOOK).fetchone() != ("ok",):
        error = sqlite3.DatabaseError("it is broken within")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _is_sound(path: Path, busy: float, *, change: bool = True) -> bool:
    """Whether the file can be read after all: another process may have put a new one in its place.

    `change`: whether SQLite may do in it what another process left undone.
    """
    mode = "rw" if change else "ro"
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=busy)
    try:
        return connection.execute(_LOOK).fetchone() == ("ok",)
    except sqlite3.Error:
        return False
    finally:
        connection.close()

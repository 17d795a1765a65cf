"""Locks that hold across threads and processes, on every platform, and are released when a process dies.

SQLite's own file lock is the mechanism: it exists on Windows too, where `fcntl` does not.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.store.files import make_private


@contextmanager
def locked(path: Path, timeout: float = 10.0) -> Generator[None]:
    """Holds the lock file `path`; waits up to `timeout` seconds for another holder. Raises SetupError.

    The file is never opened by other means: closing it would release the lock of a thread that holds it.
    """
    make_private(path.parent)
    try:
        # Made here only where there is none: closing it would release a lock.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise SetupError(f"cannot make {path}: {error.strerror}") from error
    try:
        # Whoever lets go of it may do so in another thread.
        database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise SetupError(f"cannot lock {path}: {error}") from error
    with closing(database):
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise SetupError(
                f"cannot lock {path}: {error}; another pointsman may be writing, try again"
            ) from error
        yield

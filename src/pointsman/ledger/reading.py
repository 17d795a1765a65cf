"""Reading the ledger's file beside the endpoint that writes it, or without one."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from pointsman.canon.errors import SetupError
from pointsman.ledger.schema import MIGRATIONS
from pointsman.store.database import NewerError

BUSY_SECONDS = 5.0


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection | None]:
    """The file as of one moment, which is not changed; None where there is none yet. Raises SetupError."""
    if not path.exists():
        yield None
        return
    try:
        address = f"file:{quote(str(path))}?mode=ro"
        with closing(
            sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            # What is written or deleted meanwhile is not seen.
            connection.execute("BEGIN")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise NewerError(f"{path} was written by a newer pointsman; update pointsman to read it")
            # One of an earlier version is as good as empty until an endpoint has brought it up to date.
            yield connection if version == len(MIGRATIONS) else None
    except sqlite3.Error as error:
        raise SetupError(f"{path} cannot be read: {error}; move it away, and it is begun anew") from error

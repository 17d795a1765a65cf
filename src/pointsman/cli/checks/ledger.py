"""The ledger: whether its file opens and is sound, how large it is, what was dropped or lost."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.output import age, count
from pointsman.ledger.queries import extent, missing
from pointsman.ledger.reading import reading
from pointsman.ledger.schema import FILE, MIGRATIONS
from pointsman.store.database import NewerError

MOST = 64 * 1024 * 1024
"""Bytes of a file that is read as a whole, to see whether it is sound."""
_SOUND = ("ok",)


def check(scene: Scene) -> Iterator[Finding]:
    """One line for the file, one for what is missing in it."""
    file = scene.paths.data / FILE
    try:
        with reading(file) as connection:
            if connection is None:
                yield ok("ledger", f"{file} is not there yet; the first endpoint makes it")
            else:
                yield from _read(file, connection)
    except NewerError as error:
        yield fail("ledger", error.message, "update pointsman, or set another POINTSMAN_HOME")
    except SetupError as error:
        mend = f"the next `pointsman serve` sets it aside and begins anew; or `mv {file} {file}.old`"
        yield fail("ledger", error.message, mend)


def _read(file: Path, connection: sqlite3.Connection) -> Iterator[Finding]:
    """Raises sqlite3.Error."""
    size = file.stat().st_size
    sound = connection.execute("PRAGMA quick_check(1)").fetchone() if size <= MOST else _SOUND
    if sound != _SOUND:
        raise sqlite3.DatabaseError(str(sound[0]))
    records, last = extent(connection)
    dropped, lost = missing(connection)
    when = f"the last one {age(max(0.0, time.time() - last))} ago" if last is not None else "none yet"
    told = f"{size / 1e6:.1f} MB, {count(records, 'record')}, {when}"
    yield ok("ledger", f"{file} opens, schema {len(MIGRATIONS)}, {told}")
    if dropped or lost:
        why = f"{dropped} exchanges left no record, and {lost} were lost with runs that were killed"
        yield warn("ledger", why, "end the endpoint by Ctrl-C or SIGTERM, and look at the disk: `df -h`")

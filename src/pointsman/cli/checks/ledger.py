"""The ledger: whether its file opens and is sound, how large it is, what was dropped or lost."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.output import age, count
from pointsman.ledger.schema import FILE, MIGRATIONS

BUSY_SECONDS = 2.0
MOST = 64 * 1024 * 1024
"""Bytes of a file that is read as a whole, to see whether it is sound."""
_SOUND = ("ok",)
_LAST = "SELECT count(*), max(at) FROM exchanges"
_RUNS = "SELECT total(dropped), total(lost) FROM runs"


def check(scene: Scene) -> Iterator[Finding]:
    """One line for the file, one for what is missing in it."""
    file = scene.paths.data / FILE
    if not file.exists():
        yield ok("ledger", f"{file} is not there yet; the first endpoint makes it")
        return
    try:
        yield from _read(file)
    except sqlite3.Error as error:
        mend = f"the next `pointsman serve` sets it aside and begins anew; or `mv {file} {file}.old`"
        yield fail("ledger", f"{file} cannot be read: {error}", mend)


def _read(file: Path) -> Iterator[Finding]:
    """Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if schema > len(MIGRATIONS):
            why = f"schema {schema} of {file} is a newer version's; this one knows {len(MIGRATIONS)}"
            yield fail("ledger", why, "update pointsman, or set another POINTSMAN_HOME")
            return
        if schema < len(MIGRATIONS):
            yield ok("ledger", f"{file} has schema {schema}; the next start brings it to {len(MIGRATIONS)}")
            return
        _check_whole(connection, file.stat().st_size)
        records, last = connection.execute(_LAST).fetchone()
        dropped, lost = connection.execute(_RUNS).fetchone()
    finally:
        connection.close()
    size = file.stat().st_size / 1e6
    when = f"the last one {age(max(0.0, time.time() - last))} ago" if last is not None else "none yet"
    yield ok("ledger", f"{file} opens, schema {schema}, {size:.1f} MB, {count(records, 'record')}, {when}")
    if dropped or lost:
        why = f"{dropped:.0f} exchanges left no record, and {lost:.0f} were lost with runs that were killed"
        yield warn("ledger", why, "end the endpoint by Ctrl-C or SIGTERM, and look at the disk: `df -h`")


def _check_whole(connection: sqlite3.Connection, size: int) -> None:
    """Raises sqlite3.Error for a file that is broken anywhere."""
    sound = connection.execute("PRAGMA quick_check(1)").fetchone() if size <= MOST else _SOUND
    if sound != _SOUND:
        raise sqlite3.DatabaseError(str(sound[0]))

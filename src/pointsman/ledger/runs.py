"""Runs that were killed: the counts they left behind tell how many records are missing."""

from contextlib import suppress
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.ledger.counter import Counter, forget, lock_of, read
from pointsman.ledger.writing import settle
from pointsman.store.database import Database
from pointsman.store.files import matching
from pointsman.store.locks import locked

_ENDING = ".count"


def counter_for(folder: Path, run: str, process: int) -> Counter:
    """The counter of a new run; the process's number is for people who look at the file."""
    return Counter(folder / f"ledger-{process}-{run}{_ENDING}")


def settle_killed(folder: Path, database: Database) -> None:
    """Has noted what was lost with runs that have ended without a word. Raises SetupError."""
    left = {path: found for path in matching(folder, f"ledger-*{_ENDING}") if (found := _read(path))}
    killed = {path: found for path, found in left.items() if not _goes_on(path)}
    if not killed:
        return

    def ended(well: bool) -> None:
        for path in killed if well else ():
            with suppress(SetupError):  # the next start finds it again, and counts the same
                forget(path)

    database.give(lambda connection: settle(connection, dict(killed.values())), ended=ended)


def _goes_on(path: Path) -> bool:
    """Whether the run of a count still holds its lock."""
    try:
        with locked(lock_of(path), timeout=0.0):
            return False
    except SetupError:
        return True


def _read(path: Path) -> tuple[str, int] | None:
    """The run, and how many exchanges it had begun; None for what is none of ours."""
    _, _, rest = path.name.removesuffix(_ENDING).partition("-")
    process, _, run = rest.partition("-")
    if not process.isdecimal() or not run:
        return None
    try:
        counts = read(path)
    except SetupError:
        return None
    return (run, 0 if counts is None else counts[0])

"""Runs that were killed: the counts they left behind tell how many records are missing."""

from collections.abc import Callable
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.ledger.counter import Counter, read
from pointsman.ledger.writing import settle
from pointsman.store.database import Database
from pointsman.store.files import matching, remove

_ENDING = ".count"


def counter_for(folder: Path, run: str, process: int) -> Counter:
    """The counter of a new run; the process's number tells others whether it still runs."""
    return Counter(folder / f"ledger-{process}-{run}{_ENDING}")


def settle_killed(folder: Path, database: Database, is_alive: Callable[[int], bool]) -> None:
    """Has noted what was lost with runs whose process is gone. Raises SetupError."""
    left = {path: found for path in matching(folder, f"ledger-*{_ENDING}") if (found := _read(path))}
    killed = {path: (run, begun) for path, (process, run, begun) in left.items() if not is_alive(process)}
    if not killed:
        return

    def ended(well: bool) -> None:
        for path in killed if well else ():
            _forget(path)

    database.give(lambda connection: settle(connection, dict(killed.values())), ended=ended)


def _read(path: Path) -> tuple[int, str, int] | None:
    """The process, the run, and how many exchanges it had begun; None for what is none of ours."""
    _, _, rest = path.name.removesuffix(_ENDING).partition("-")
    process, _, run = rest.partition("-")
    if not process.isdecimal() or not run:
        return None
    try:
        counts = read(path)
    except SetupError:
        return None
    return (int(process), run, 0 if counts is None else counts[0])


def _forget(path: Path) -> None:
    try:
        remove(path)
    except SetupError:
        return  # the next start finds it again, and counts the same

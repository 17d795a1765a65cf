"""The ledger's file as commands read it: beside a running endpoint, or without one."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pointsman.config.paths import find_paths
from pointsman.ledger.reading import reading
from pointsman.ledger.schema import FILE

Result = TypeVar("Result")


def ledger_file() -> Path:
    """Where it is."""
    return find_paths(os.environ).data / FILE


def ask(query: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
    """What a query finds; `otherwise` where there is no ledger yet. Raises SetupError."""
    with reading(ledger_file()) as connection:
        return otherwise if connection is None else query(connection)

"""`pointsman ledger`: where it is, its export, and its size."""

import csv
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import click

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.ledger_file import ask, ledger_file
from pointsman.cli.output import note, print_json
from pointsman.ledger.moments import since_of
from pointsman.ledger.queries import exported
from pointsman.ledger.reading import reading
from pointsman.ledger.record import COLUMNS

BUSY_SECONDS = 30.0
MEGA = 1_000_000


@click.group("ledger")
def command() -> None:
    """The record of every request. Example:

    \b
    pointsman ledger path
    pointsman ledger export --since 7d > requests.jsonl
    """


@command.command("path")
def path() -> int:
    """Print where the ledger is. Example:

    \b
    sqlite3 "$(pointsman ledger path)" "SELECT model, cost FROM exchanges"
    """
    click.echo(str(ledger_file()))
    return exit_codes.OK


@command.command("export")
@click.option("--since", help="A span such as 7d, or a day such as 2026-11-01.  [default: all]")
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl", show_default=True)
def export(since: str | None, form: str) -> int:
    """Print the records, the earliest first; no content and no keys are in them. Example:

    \b
    pointsman ledger export --since 30d --format csv > requests.csv
    """
    try:
        start = None if since is None else since_of(since, time.time())
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--since") from error
    ask(lambda connection: _print(connection, start, form), None)
    return exit_codes.OK


def _print(connection: sqlite3.Connection, since: float | None, form: str) -> None:
    if form == "csv":
        writer = csv.DictWriter(sys.stdout, ("number", *COLUMNS), lineterminator="\n")
        writer.writeheader()
        for record in exported(connection, since):
            writer.writerow({name: _harmless(value) for name, value in record.items()})
    else:
        for record in exported(connection, since):
            click.echo(json.dumps(record, ensure_ascii=False))


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


@command.command("vacuum")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def vacuum(as_json: bool) -> int:
    """Give back the room of what was deleted; an endpoint may run meanwhile. Example:

    \b
    pointsman ledger vacuum
    """
    file = ledger_file()
    with reading(file) as readable:
        if readable is None:
            note("there is no ledger yet")
            return exit_codes.OK
    try:
        before = _made_smaller(file)
    except sqlite3.Error as error:
        raise PointsmanError(f"{file} cannot be made smaller now: {error}; try again") from error
    facts: Json = {"path": str(file), "before": before, "after": file.stat().st_size}
    if as_json:
        print_json(facts)
    else:
        click.echo(f"{before / MEGA:,.1f} MB before, {facts['after'] / MEGA:,.1f} MB now")
    return exit_codes.OK


def _made_smaller(file: Path) -> int:
    """The bytes that it had. Raises sqlite3.Error."""
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        # What still stands beside the file belongs to it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = file.stat().st_size
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before

"""`pointsman requests`: the latest requests, one line each, and those that come."""

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.ledger_file import ask
from pointsman.cli.output import harmless, note, on_terminal
from pointsman.cli.usage import money, short
from pointsman.ledger.queries import records

LOOK_EVERY = 0.5
"""Seconds between two looks for new ones."""
_COLOURS = {2: "green", 4: "yellow", 5: "red"}


@click.command("requests")
@click.option("--follow", "-f", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@click.option("--limit", "-n", type=click.IntRange(0), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(follow: bool, limit: int, as_json: bool) -> int:
    """List the latest requests, the last one at the bottom. Example:

    \b
    pointsman requests --follow
    pointsman requests -n 100 --json
    """
    found = _latest(limit)
    if not found and limit and not follow:
        note("nothing has been recorded yet; `pointsman serve` records every request")
    try:
        _print(found, as_json)
        if follow:
            for more in _coming(found):
                _print(more, as_json)
    except BrokenPipeError:
        # Whoever read it has left; nothing must be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.OK


def _latest(limit: int) -> list[Json]:
    return ask(lambda connection: list(records(connection, limit=limit)), [])


def _coming(found: list[Json]) -> Iterator[list[Json]]:
    """What is recorded from now on, as it comes."""
    last = found[-1]["number"] if found else max((each["number"] for each in _latest(1)), default=0)
    while True:
        time.sleep(LOOK_EVERY)
        after = last
        more = ask(lambda connection, after=after: list(records(connection, after=after)), [])
        if more:
            last = more[-1]["number"]
            yield more


def _print(found: list[Json], as_json: bool) -> None:
    for each in found:
        click.echo(json.dumps(each, ensure_ascii=False) if as_json else line(each))
    sys.stdout.flush()


def line(record: Json) -> str:
    """`11-28 12:00:03  3b85f63a  200  aider  claude-opus-5  claude/work  1.2 s  20k in, 400 out  $0.04`."""
    moment = datetime.fromtimestamp(record["at"], UTC).astimezone().strftime("%m-%d %H:%M:%S")
    status = "---" if record["status"] is None else str(record["status"])
    shown = click.style(status, fg=_COLOURS.get((record["status"] or 0) // 100)) if on_terminal() else status
    facts = "  ".join(harmless(each).replace("\n", " ") for each in _facts(record))
    return f"{moment}  {record['request_id'][:8]}  {shown}  {facts}"


def _facts(record: Json) -> Iterator[str]:
    yield record["client"]
    if record["reject"] is not None:
        yield f"not let in, looked at: {record['reject']}"
        return
    asked, model = record["asked"], record["model"]
    yield " → ".join(dict.fromkeys(name for name in (asked, model) if name)) or "-"
    if record["backend"] is not None:
        yield f"{record['backend']}/{record['account'] or '-'}"
    if record["duration"] is not None:
        yield f"{record['duration']:.2f} s"
    read = sum(record[name] or 0 for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h"))
    written = (record["output"] or 0) + (record["reasoning"] or 0)
    if read or written:
        yield f"{short(read)} in, {short(written)} out"
        yield money(record["cost"])
    if record["error"] is not None:
        yield f"error {record['error']}"

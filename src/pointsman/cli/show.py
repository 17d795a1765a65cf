"""`pointsman show`: all that the ledger knows of one request."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.ledger_file import ask
from pointsman.cli.output import harmless, print_json
from pointsman.cli.usage import money
from pointsman.ledger.billing import PLAN
from pointsman.ledger.contents import read
from pointsman.ledger.queries import found

WIDTH = 18
_LIMITS = "limits, used"
_TOKENS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
_AS_THEY_ARE = {
    "client": "client",
    "client_key": "client's key",
    "operation": "operation",
    "asked": "model asked for",
    "model": "model that answered",
    "rule": "route",
    "form": "form",
    "attempts": "attempts",
    "stop": "end",
    "claim": "counted against",
    "session": "session",
    "upstream_id": "provider's id",
    "reject": "not let in: looked at",
    "error": "error",
}
"""What is shown as it is, by its title."""


@click.command("show")
@click.argument("request_id", metavar="ID")
@click.option("--content", is_flag=True, help="What was sent and what came back, where that was kept.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(request_id: str, content: bool, as_json: bool) -> int:
    """Show all that is known of one request; the beginning of its id is enough. Example:

    \b
    pointsman show 3b85f63a
    pointsman show 3b85f63a --content
    """
    record = _record(request_id)
    kept = ask(lambda connection: read(connection, record["request_id"]), None) if content else None
    if content and kept is None:
        raise PointsmanError(
            "its content was not kept; `record_content = true` in the configuration, or "
            "`pointsman serve --record-content`, keeps that of requests to come"
        )
    if as_json:
        print_json(record if kept is None else {**record, "content": kept})
    elif kept is not None:
        click.echo(json.dumps(kept["request"], ensure_ascii=False, indent=2))
        click.echo(harmless(str(kept["answer"])))
    else:
        click.echo("\n".join(harmless(each) for each in _lines(record)))
    return exit_codes.OK


def _record(request_id: str) -> Json:
    """Raises PointsmanError unless one record's id begins so."""
    if not request_id:
        raise click.UsageError("give the beginning of an id; `pointsman requests` lists the latest")
    records = ask(lambda connection: found(connection, request_id), [])
    if not records:
        raise PointsmanError(f"no request {request_id} is recorded; `pointsman requests` lists the latest")
    if len(records) > 1:
        raise PointsmanError(f"several requests begin with {request_id}; give more of the id")
    return records[0]


def _lines(record: Json) -> Iterator[str]:
    yield f"{record['method']} {record['path']}".replace("\n", " ")
    yield _row("id", record["request_id"])
    yield _row("began", datetime.fromtimestamp(record["at"], UTC).astimezone().isoformat(" ", "milliseconds"))
    yield _row("status", "none was sent" if record["status"] is None else str(record["status"]))
    yield _row("took", _took(record))
    yield _row("API", _dialects(record))
    if record["backend"] is not None:
        yield _row("backend, account", f"{record['backend']}, {record['account'] or '-'}")
    for name, title in _AS_THEY_ARE.items():
        if record[name]:
            yield _row(title, str(record[name]).replace("\n", " "))
    yield from _tokens(record)
    yield _row("billed to", _billed(record))
    for name, title in (("losses", "lost on the way"), ("windows", _LIMITS)):
        yield from _several(title, record[name])


def _row(title: str, value: str) -> str:
    return f"  {title:<{WIDTH}}  {value}"


def _took(record: Json) -> str:
    first, whole = record["first_byte"], record["duration"]
    told = "unknown" if whole is None else f"{whole:.3f} s"
    return told if first is None else f"{told}, first byte after {first:.3f} s"


def _dialects(record: Json) -> str:
    spoken = dict.fromkeys(each for each in (record["dialect"], record["upstream_dialect"]) if each)
    streamed = ", streamed" if record["stream"] else ""
    return (" → ".join(spoken) or "-") + streamed


def _tokens(record: Json) -> Iterator[str]:
    told = [f"{record[name]:,} {name}" for name in _TOKENS if record[name] is not None]
    if told:
        yield _row("tokens", ", ".join(told) + (" (estimated)" if record["estimated"] else ""))


def _billed(record: Json) -> str:
    cost = money(record["cost"])
    if record["bucket"] in PLAN:
        return f"{record['bucket']}; its API would ask {cost}"
    return f"{record['bucket']}, {cost}"


def _several(title: str, told: str | None) -> Iterator[str]:
    if told is None:
        return
    value: Any = json.loads(told)
    each: list[str] = (
        [f"{name} {limit['used']:.0%}" for name, limit in value.items()] if title == _LIMITS else value
    )
    for number, words in enumerate(each):
        yield _row(title if number == 0 else "", words)

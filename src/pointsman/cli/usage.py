"""`pointsman usage`: tokens and cost, by model, account, client and more."""

import time
from collections.abc import Iterable
from urllib.parse import urlencode

import click

from pointsman.canon.errors import UnreachableError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.ledger_file import ask, ledger_file
from pointsman.cli.output import count, note, print_json
from pointsman.cli.reach import LOOPBACK, own_key, record
from pointsman.cli.table import print_table
from pointsman.control.endpoint import EndpointClient
from pointsman.ledger.moments import since_of
from pointsman.ledger.queries import by_names
from pointsman.ledger.sums import paid_and_covered
from pointsman.ledger.usage import BY, nothing, usage

BAR = 20
"""Characters of the longest bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SCALES = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_FINE = 0.1


@click.command("usage")
@click.option("--since", help="A span such as 7d or 24h, or a day such as 2026-11-01.  [default: all time]")
@click.option("--by", type=click.Choice(BY), default=BY[0], show_default=True, help="What rows stand for.")
@click.option("--port", type=click.IntRange(1, 65535), help="Ask the endpoint there, whatever its home.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(since: str | None, by: str, port: int | None, as_json: bool) -> int:
    """Show what was used and what it cost. Example:

    \b
    pointsman usage --since 7d --by model
    pointsman usage --json
    """
    facts, port = _facts(port, since, by)
    if as_json:
        print_json(facts)
    elif not facts["rows"]:
        when = "yet" if since is None else f"since {since}"
        note(f"nothing has been recorded {when}; `pointsman serve` records every request")
    else:
        _show(facts, by)
        if port is None:
            _tell_covered(since)
    if port is None and not as_json and record() is None:
        note("no endpoint runs, so this is the ledger; `pointsman doctor --usage` asks the accounts")
    return exit_codes.OK


def _facts(port: int | None, since: str | None, by: str) -> tuple[Json, int | None]:
    """What is known, and the port of the endpoint that told it; None: the ledger itself."""
    if port is not None:
        try:
            return _from_endpoint(port, since, by), port
        except UnreachableError:
            note(f"nothing answers at port {port}: this is the ledger at {ledger_file()}")
    return _from_file(since, by), None


def _from_endpoint(port: int, since: str | None, by: str) -> Json:
    asked = {"by": by} if since is None else {"by": by, "since": since}
    return EndpointClient(f"http://{LOOPBACK}:{port}", own_key()).get(f"/usage?{urlencode(asked)}")


def _from_file(since: str | None, by: str) -> Json:
    try:
        start = None if since is None else since_of(since, time.time())
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--since") from error
    return ask(lambda connection: usage(connection, start, by), nothing())


def _tell_covered(since: str | None) -> None:
    """What stands in the sums and was not spent."""
    start = None if since is None else since_of(since, time.time())
    _, covered = ask(lambda connection: paid_and_covered(by_names(connection, start)), (0.0, 0.0))
    if covered:
        note(f"of it a plan covers {money(covered)}: what its API would have asked for the same")


def _show(facts: Json, by: str) -> None:
    rows: list[Json] = facts["rows"]
    most = max((_tokens(row) for row in rows), default=0)
    table = [(row[by], *_cells(row), _bar(_tokens(row), most)) for row in rows]
    heads = (by.upper(), "REQUESTS", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "THINKING", "COST", "")
    print_table(heads, [*table, ("total", *_cells(facts["total"]), "")])
    if facts.get("left_out"):
        note(f"{count(facts['left_out'], 'more session')}, with fewer tokens, are in the total alone")
    unpriced = sum(row["unpriced"] for row in rows)
    if unpriced:
        note(
            f"the cost of {count(unpriced, 'request')} is not known and not in the sums; "
            'set it: `[prices."MODEL"]` in the configuration'
        )


def _cells(row: Json) -> Iterable[str]:
    yield f"{row['requests']:,}"
    for name in ("input", "cache_read", "cache_write", "output", "reasoning"):
        yield short(row[f"{name}_tokens"])
    yield money(row["cost"])


def _tokens(row: Json) -> int:
    return sum(value for name, value in row.items() if name.endswith("_tokens"))


def _bar(value: int, most: int) -> str:
    """As long as the value is large, to an eighth of a character."""
    eighths = round(value / most * BAR * 8) if most else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def short(number: int) -> str:
    """`812`, `12.3k`, `4.56M`."""
    for size, unit in _SCALES:
        if number >= size:
            return f"{number / size:.3g}{unit}" if number < 1000 * size else f"{number / size:,.0f}{unit}"
    return str(number)


def money(dollars: float | None) -> str:
    """`$1.23`; more digits where it is less than ten cents; `?` where it is not known."""
    if dollars is None:
        return "?"
    return f"${dollars:,.2f}" if dollars >= _FINE or not dollars else f"${dollars:.4f}"

"""`pointsman explain MODEL`: where a name leads, by which rule, and what else was possible."""

from collections.abc import Iterator

import click

from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.account_words import status, why
from pointsman.cli.output import count, note, one_line, print_json
from pointsman.cli.reach import look
from pointsman.control.endpoint import EndpointClient

OFFLINE = "no endpoint is running: a running one also knows what its backends list (`pointsman serve`)"


@click.command("explain")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: str, as_json: bool) -> int:
    """Say where MODEL leads, and why; exit status 1 if nothing serves it. Example:

    \b
    pointsman explain sonnet
    pointsman explain work:gpt-5.5 --json
    """
    source = look()
    live = isinstance(source, EndpointClient)
    facts = source.explain(model)
    if as_json:
        print_json({**facts, "running": live})
    elif facts["found"]:
        click.echo("\n".join(map(one_line, _lines(facts))))
    else:
        click.echo(one_line(facts["advice"]), err=True)
    if not live and not as_json:
        note(OFFLINE)
    return exit_codes.OK if facts["found"] else exit_codes.FAILED


def _lines(facts: Json) -> Iterator[str]:
    yield f"{facts['asked']} goes to backend {facts['backend']} ({facts['provider']}) as {facts['model']}"
    yield f"  rule        {facts['rule']}: {facts['why']}"
    yield from _spoken("relayed", facts["relayed"])
    yield from _spoken("translated", facts["translated"])
    yield from _lost(facts.get("lost", {}))
    for candidate in facts.get("next", ()):
        yield from _next(candidate, facts)
    for number, other in enumerate(facts["others"]):
        yield f"  {'' if number else 'also':<10}  {other['backend']} as {other['model']} ({other['why']})"


def _next(candidate: Json, facts: Json) -> Iterator[str]:
    """The accounts of one candidate: only where there is something to choose, or to wait for."""
    accounts = candidate["accounts"]
    fallback = candidate["backend"] != facts["backend"] or candidate["model"] != facts["model"]
    if fallback:
        yield f"  fallback    {candidate['backend']} as {candidate['model']} ({candidate['why']})"
    if len(accounts) == 1 and accounts[0]["status"] == "free" and not accounts[0]["why"]:
        return
    for account in accounts:
        reason = why(account)
        yield f"  account     {account['account']}: {status(account)}{f' ({reason})' if reason else ''}"


def _spoken(form: str, dialects: list[str]) -> Iterator[str]:
    if dialects:
        yield f"  {form:<10}  for clients that speak {', '.join(dialects)}"


def _lost(lost: Json) -> Iterator[str]:
    """What clients have lost at this backend so far."""
    for dialect, losses in lost.items():
        for loss in losses:
            times = count(loss["times"], "request")
            yield f"  lost        {loss['kind']} {loss['what']}, {dialect}, in {times} so far: {loss['why']}"

"""`pointsman models`: the models that can be reached, and where."""

import click

from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.output import note, print_json
from pointsman.cli.reach import look
from pointsman.control.endpoint import EndpointClient

OFFLINE = (
    "no endpoint is running: these are the models that the configuration names; a running one also asks its "
    "backends (`pointsman serve`)"
)


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """List the models that can be reached. Example:

    \b
    pointsman models
    pointsman models --json
    """
    source = look()
    live = isinstance(source, EndpointClient)
    found: list[Json] = [
        {"name": each["id"], "backend": each["owned_by"], "context_window": each.get("context_length")}
        for each in source.models()
    ]
    if as_json:
        print_json({"running": live, "models": found})
        return exit_codes.OK
    from pointsman.cli.table import print_table  # noqa: PLC0415 - not needed for JSON

    print_table(
        ("MODEL", "BACKEND", "CONTEXT"),
        ((each["name"], each["backend"], _tokens(each["context_window"])) for each in found),
    )
    if not live:
        note(OFFLINE)
    return exit_codes.OK


def _tokens(number: int | None) -> str:
    return "" if number is None else f"{number:,} tokens"

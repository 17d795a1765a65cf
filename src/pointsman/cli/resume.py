"""`pointsman resume`: lets backends go on that the guard has halted."""

import os

import click

from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, note, print_json
from pointsman.cli.reach import running
from pointsman.config.paths import find_paths


@click.command("resume")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Let backends go on that the guard has halted. Example:

    \b
    pointsman resume
    """
    endpoint = running()
    facts = {"resumed": _left()} if endpoint is None else endpoint.resume()
    if endpoint is None and not facts["resumed"]:
        note("no endpoint runs, so nothing is halted")
        return exit_codes.FAILED
    if as_json:
        print_json(facts)
    elif facts["resumed"]:
        click.echo(harmless(f"goes on: {', '.join(facts['resumed'])}"))
    else:
        click.echo("nothing was halted")
    return exit_codes.OK


def _left() -> list[str]:
    """Takes back the halts that the last endpoint has left, before the next one finds them."""
    from pointsman.control.halts import FILE, HaltsFile  # noqa: PLC0415 - rarely wanted

    file = HaltsFile(find_paths(os.environ).data / FILE)
    halted = sorted(file.load() or {})
    if halted:
        file.save({}, resumed=True)
    return halted

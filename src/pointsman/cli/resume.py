"""`pointsman resume`: lets backends go on that the guard has halted."""

import click

from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, note, print_json
from pointsman.cli.reach import running


@click.command("resume")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Let backends go on that the guard has halted. Example:

    \b
    pointsman resume
    """
    endpoint = running()
    if endpoint is None:
        note("no endpoint runs, so nothing is halted")
        return exit_codes.FAILED
    facts = endpoint.resume()
    if as_json:
        print_json(facts)
    elif facts["resumed"]:
        click.echo(harmless(f"goes on: {', '.join(facts['resumed'])}"))
    else:
        click.echo("nothing was halted")
    return exit_codes.OK

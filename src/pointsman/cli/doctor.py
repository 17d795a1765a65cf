"""`pointsman doctor`: one report to paste, each line ok, warn or fail with what mends it."""

import click

from pointsman.cli.output import on_terminal


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Look at everything, and say what is wrong and how to mend it; exit status 1 if something failed. Example:

    \b
    pointsman doctor
    pointsman doctor --json
    """
    from pointsman.cli.checks.report import gather, show  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.checks.scene import look_around  # noqa: PLC0415 - the same
    from pointsman.cli.checks.table import CHECKS  # noqa: PLC0415 - the same

    return show(gather(look_around(), CHECKS, quiet=as_json or not on_terminal()), as_json=as_json)

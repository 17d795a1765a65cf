"""`pointsman weights`: the embedded model's file."""

import click

from pointsman.canon.errors import SetupError
from pointsman.cli import exit_codes
from pointsman.cli.output import print_json


@click.group("weights", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """Show, find or fetch the embedded model's file. Example:

    \b
    pointsman weights
    pointsman weights fetch
    """
    if context.invoked_subcommand is not None:
        return exit_codes.OK
    from pointsman.cli.embedded import here  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.upstream.weights import SMOLLM2  # noqa: PLC0415 - the same

    found = here()
    if as_json:
        path = None if found is None else str(found)
        print_json({"model": SMOLLM2.model, "bytes": SMOLLM2.size, "path": path})
        return exit_codes.OK
    click.echo(f"{SMOLLM2.model}, {SMOLLM2.size / 1e6:.0f} MB on disk")
    click.echo(f"  {found}" if found else "  not fetched yet: run `pointsman weights fetch`")
    return exit_codes.OK


@command.command("fetch")
def fetch() -> int:
    """Fetch the file unless it is there, and print where it is. Example:

    \b
    pointsman weights fetch
    """
    from pointsman.cli.embedded import bring  # noqa: PLC0415 - `--help` needs none of it

    try:
        click.echo(bring())
    except SetupError as error:
        click.secho(f"error: {error.message}", fg="red", err=True)
        return exit_codes.FAILED
    return exit_codes.OK


@command.command("path")
def path() -> int:
    """Print where the file is; exit status 1 if it is not there. Example:

    \b
    pointsman weights path
    """
    from pointsman.cli.embedded import here  # noqa: PLC0415 - `--help` needs none of it

    found = here()
    if found is None:
        click.echo("the embedded model is not here; run `pointsman weights fetch`", err=True)
        return exit_codes.FAILED
    click.echo(found)
    return exit_codes.OK

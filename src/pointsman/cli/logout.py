"""`pointsman logout`: ends a sign-in at the provider, where it offers that, and forgets it here."""

import click

from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, print_json


@click.command("logout")
@click.argument("backend")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(backend: str, *, as_json: bool) -> int:
    """Forget the sign-in of BACKEND; its provider is asked to end it. Example:

    \b
    pointsman logout openrouter
    """
    from pointsman.catalog.login import KeyLogin, PlanLogin  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli import signing_out  # noqa: PLC0415 - the same
    from pointsman.cli.sign_ins import row_of  # noqa: PLC0415 - the same

    row = row_of(backend)
    if isinstance(row.login, PlanLogin):
        told = signing_out.of_plan(row, row.login)
    elif isinstance(row.login, KeyLogin):
        told = signing_out.of_key(backend, row, row.login)
    else:
        raise SetupError(f"{row.title} has no sign-in of pointsman's; there is nothing to forget")
    if as_json:
        print_json(told)
    else:
        click.echo(harmless(told["words"]))
    if told["trouble"] is not None:
        raise PointsmanError(told["trouble"])
    return exit_codes.OK

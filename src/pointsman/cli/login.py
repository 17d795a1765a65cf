"""`pointsman login`: signs a person in at a provider, in the way that the provider documents."""

import click

from pointsman.canon.errors import PointsmanError
from pointsman.cli import exit_codes
from pointsman.cli.output import print_json

LIMIT = 300.0
"""Seconds that a person has for signing in, if they don't say."""


class ListsSignIns(click.Command):
    """A command whose help ends with the providers at which one can sign in."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The words for them."""
        from pointsman.cli.sign_ins import with_login  # noqa: PLC0415 - only this help reads the catalog

        with formatter.section("Providers"):
            formatter.write_dl([(word, row.title) for word, row in with_login().items()])


@click.command("login", cls=ListsSignIns)
@click.argument("provider")
@click.option(
    "--manual", is_flag=True, help="Print the address, take the pasted answer: for SSH, containers."
)
@click.option("--yes", is_flag=True, help="Replace a sign-in or key that is there, without asking.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=LIMIT,
    show_default=True,
    help="Seconds to wait for the browser.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(provider: str, *, manual: bool, yes: bool, timeout: float, as_json: bool) -> int:
    """Sign in at PROVIDER with your browser; a backend for it is added if there is none. Example:

    \b
    pointsman login openrouter
    pointsman login openrouter --manual
    """
    from pointsman.catalog.login import NoLogin, PlanLogin  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli import signing_in  # noqa: PLC0415 - the same
    from pointsman.cli.sign_ins import row_to_sign_in_at  # noqa: PLC0415 - the same

    row, login = row_to_sign_in_at(provider)
    if isinstance(login, NoLogin):
        raise PointsmanError(login.why)
    asked = signing_in.Asked(manual=manual, yes=yes, limit=timeout)
    if isinstance(login, PlanLogin):
        told = signing_in.for_plan(row, login, asked)
    else:
        told = signing_in.for_key(row, login, asked)
    if as_json:
        print_json(told)
    else:
        signing_in.report(row, told)
    return exit_codes.OK

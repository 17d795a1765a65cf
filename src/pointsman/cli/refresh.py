"""`pointsman refresh`: renews the token of a sign-in now, instead of shortly before its end."""

import click

from pointsman.canon.errors import SetupError
from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, print_json


@click.command("refresh")
@click.argument("backend")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(backend: str, *, as_json: bool) -> int:
    """Renew the token that BACKEND is used with: to see whether the sign-in still holds. Example:

    \b
    pointsman refresh chatgpt
    """
    import os  # noqa: PLC0415 - `--help` needs none of it

    from pointsman.accounts.oauth.session import renewal_of  # noqa: PLC0415 - the same
    from pointsman.catalog.login import PlanLogin  # noqa: PLC0415 - the same
    from pointsman.cli.sign_ins import row_of, until  # noqa: PLC0415 - the same
    from pointsman.cli.telling import tell_running  # noqa: PLC0415 - the same
    from pointsman.config.paths import find_paths  # noqa: PLC0415 - the same

    row = row_of(backend)
    if not isinstance(row.login, PlanLogin):
        raise SetupError(f"{row.title} has no sign-in whose tokens pointsman renews; nothing was done")
    renewal = renewal_of(row, find_paths(os.environ).data)
    kept = renewal.renewed(renewal.kept())
    told = tell_running()
    if as_json:
        print_json({"provider": row.name, "who": kept.who, "until": until(kept)})
    else:
        click.echo(harmless(f"The token of {kept.who} at {row.title} is new, and holds until {until(kept)}"))
        click.echo(told)
    return exit_codes.OK

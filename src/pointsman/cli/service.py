"""`pointsman service`: the endpoint started with the user's session, by systemd or launchd."""

import click

from pointsman.canon.errors import SetupError
from pointsman.cli import exit_codes
from pointsman.cli.output import print_json
from pointsman.cli.session import Session, find_session

KEYS_NOTE = (
    "It sees no variables of your shell: keys that you export there are unknown to it. "
    "`pointsman backend add` stores them."
)


@click.group("service")
def command() -> None:
    """Start the endpoint with your session, and again if it fails. Example:

    \b
    pointsman service install
    pointsman service status
    pointsman service remove
    """


@command.command("install")
@click.option("--print", "only_print", is_flag=True, help="Print the file; install nothing.")
def install(only_print: bool) -> int:
    """Install the service and start it. It needs no root. Example:

    \b
    pointsman service install
    pointsman service install --print
    """
    session = _session()
    if only_print:
        click.echo(session.text, nl=False)
        return exit_codes.OK
    session.install()
    click.echo(f"installed {session.file}, and started it; `pointsman status` shows it")
    click.echo(KEYS_NOTE)
    return exit_codes.OK


@command.command("remove")
def remove() -> int:
    """Stop the service and remove it. Example:

    \b
    pointsman service remove
    """
    session = _session()
    if not session.file.exists():
        click.echo(f"there is no service: {session.file} does not exist")
        return exit_codes.OK
    session.remove()
    click.echo(f"stopped the service and removed {session.file}")
    return exit_codes.OK


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> int:
    """Say whether the service is installed and running; exit status 1 if it is not. Example:

    \b
    pointsman service status
    """
    session = _session()
    installed = session.file.exists()
    runs = installed and session.is_running()
    if as_json:
        print_json({"installed": installed, "running": runs, "file": str(session.file)})
        return exit_codes.OK if runs else exit_codes.FAILED
    if not installed:
        click.echo("not installed; `pointsman service install` installs it")
        return exit_codes.FAILED
    click.echo(f"installed as {session.file}, {'running' if runs else 'not running'}")
    return exit_codes.OK if runs else exit_codes.FAILED


def _session() -> Session:
    found = find_session()
    if found is None:
        raise SetupError(
            "services need systemd (Linux) or launchd (macOS), and neither is here; let your own supervisor "
            "run `pointsman serve`"
        )
    return found

"""`pointsman backend`: the backends in the configuration file, and those that were found."""

import click

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.backend_add import add
from pointsman.cli.backend_test import test
from pointsman.cli.output import print_json
from pointsman.cli.reach import look

SHOWN = ("name", "provider", "dialects", "base_url", "models", "key", "why")
KEYS = {
    "none": "needs none",
    "cloud": "none, the cloud's own credentials",
    "person": "none, somebody is signed in",
    "nobody": "none, and nobody is signed in",
    "ended": "none, the sign-in has ended",
    "missing": "none yet",
    "stored": "stored",
    "unreadable": "stored, cannot be read",
}
"""Where a backend's key comes from, if not from a variable."""


@click.group("backend")
def command() -> None:
    """Add, list, test and remove backends. Example:

    \b
    pointsman backend add work --provider openai
    pointsman backend test work
    pointsman backend list
    """


command.add_command(add)
command.add_command(test)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(as_json: bool) -> int:
    """List the backends, where each one's key comes from, and why it is there. Example:

    \b
    pointsman backend list
    pointsman backend list --json
    """
    found = [{name: each[name] for name in SHOWN} for each in look().status()["backends"]]
    if as_json:
        print_json({"backends": found})
        return exit_codes.OK
    from pointsman.cli.table import print_table  # noqa: PLC0415 - not needed for JSON

    print_table(("BACKEND", "PROVIDER", "DIALECTS", "KEY", "WHY"), map(_cells, found))
    return exit_codes.OK


def _cells(facts: Json) -> tuple[str, ...]:
    key: str = facts["key"]
    return facts["name"], facts["provider"], ", ".join(facts["dialects"]), KEYS.get(key, key), facts["why"]


@command.command("remove")
@click.argument("name")
def remove(name: str) -> int:
    """Remove backend NAME from the configuration file, and the key that is stored for it. Example:

    \b
    pointsman backend remove work
    """
    from pointsman.cli.backend_file import BackendFile  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.telling import tell_running  # noqa: PLC0415 - the same

    file = BackendFile()
    if name not in file:
        raise SetupError(f"there is no backend {name} in {file.path}{_why_anyway(name)}")
    file.remove(name)
    click.echo(f"removed {name} from {file.path}")
    click.echo(tell_running())
    return exit_codes.OK


def _why_anyway(name: str) -> str:
    """Where a backend comes from that is in no file."""
    for each in look().status()["backends"]:
        if each["name"] == name:
            return f"; it needs no configuration: {each['why']}"
    return "; `pointsman backend list` shows them"

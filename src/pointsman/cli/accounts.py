"""`pointsman accounts`: several credentials for one backend."""

import sys
import time

import click

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.account_words import HEADINGS, NEXT_HEADINGS, next_rows, rows
from pointsman.cli.output import count, harmless, note, on_terminal, print_json
from pointsman.cli.reach import look
from pointsman.config.shape import nearest
from pointsman.control.endpoint import EndpointClient

WORKS = {True: "works", False: "does not work", None: "is not tested"}
OFFLINE = "no endpoint is running: limits, cool-downs and conversations are known to a running one"


@click.group("accounts")
def command() -> None:
    """Add, list, test and remove accounts of a backend. Example:

    \b
    pointsman accounts add anthropic work --key-env WORK_KEY
    pointsman accounts list
    """


@command.command("add")
@click.argument("backend")
@click.argument("alias")
@click.option("--key-env", help="The environment variable that holds the key; it need not be set yet.")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input.")
def add(backend: str, alias: str, key_env: str | None, key_stdin: bool) -> int:
    """Add account ALIAS to BACKEND; without options its key is asked for. Nobody is contacted. Example:

    \b
    pointsman accounts add anthropic work --key-env WORK_KEY
    pass show work | pointsman accounts add openai work --key-stdin
    """
    from pointsman.cli.account_key import read_account_key, where  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.telling import tell_running  # noqa: PLC0415 - the same

    file, key = read_account_key(backend, alias, key_env, from_input=key_stdin)
    warning = file.add_account(backend, alias, key_env, key)
    if warning:
        note(warning)
    click.echo(f"account {alias} of backend {backend} is in {file.path}; {where(key_env, key)}")
    click.echo(tell_running())
    return exit_codes.OK


@command.command("remove")
@click.argument("backend")
@click.argument("alias")
def remove(backend: str, alias: str) -> int:
    """Remove account ALIAS of BACKEND and the key that is stored for it. Example:

    \b
    pointsman accounts remove anthropic work
    pointsman accounts remove anthropic default
    """
    from pointsman.cli.account_file import AccountFile  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.telling import tell_running  # noqa: PLC0415 - the same

    file = AccountFile()
    file.remove_account(backend, alias)
    click.echo(f"removed account {alias} of backend {backend} from {file.path}")
    click.echo(tell_running())
    return exit_codes.OK


@command.command("list")
@click.argument("backend", required=False)
@click.option("-m", "--model", help="Say who would serve the next request for this model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(backend: str | None, model: str | None, as_json: bool) -> int:
    """List the accounts: what is left of their limits, and why one is not used. Example:

    \b
    pointsman accounts list
    pointsman accounts list anthropic --model claude-opus-5-5
    """
    source = look()
    live = isinstance(source, EndpointClient)
    facts = source.accounts(model)
    found = [each for each in facts["backends"] if backend in {None, each["backend"]}]
    if backend is not None and not found:
        raise SetupError(_not_there(backend, model, facts))
    if as_json:
        print_json({**facts, "backends": found, "running": live})
        return exit_codes.OK
    from pointsman.cli.table import print_table  # noqa: PLC0415 - not needed for JSON

    if model is None:
        now = time.time()
        print_table(HEADINGS, [row for each in found for row in rows(each, now)])
    else:
        print_table(NEXT_HEADINGS, [row for each in found for row in next_rows(each)])
    if facts["waiting"]:
        note(f"{count(facts['waiting'], 'request')} wait for an account")
    if not live:
        note(OFFLINE)
    return exit_codes.OK


def _not_there(backend: str, model: str | None, facts: Json) -> str:
    backends: list[Json] = facts["backends"]
    names = sorted({each["backend"] for each in backends})
    if model is not None:
        return f"{model} does not lead to backend {backend}, but to {', '.join(names)}"
    near = f"; the nearest one is {nearest(backend, names)}" if names else ""
    return f"there is no backend {backend} with accounts{near}"


@command.command("test")
@click.argument("backend", required=False)
@click.argument("alias", required=False)
@click.option("-m", "--model", help="Ask this model for one token, in place of the list of models.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(backend: str | None, alias: str | None, model: str | None, as_json: bool) -> int:
    """Send a real request with each account; exit status 1 if one fails. Example:

    \b
    pointsman accounts test
    pointsman accounts test anthropic work
    """
    from pointsman.cli.account_trial import try_accounts  # noqa: PLC0415 - `--help` needs none of it

    if on_terminal() and not as_json:
        note("asking …")
    verdicts = try_accounts(backend, alias, model)
    if as_json:
        print_json({"accounts": verdicts})
    else:
        for each in verdicts:
            said = f"{each['backend']}/{each['account']} {WORKS[each['works']]}: {each['said']}"
            time_taken = "" if each["works"] is None else f", in {each['seconds']:.2f} s"
            file = sys.stderr if each["works"] is False else sys.stdout
            click.echo(harmless(said + time_taken), file=file)
    return exit_codes.FAILED if any(each["works"] is False for each in verdicts) else exit_codes.OK

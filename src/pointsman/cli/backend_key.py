"""The key of a backend that is being added: typed in, from standard input, or in a variable. Never shown."""

import os
import re
import sys

import click

from pointsman.accounts.lease import brings_own_credential, needs_key
from pointsman.accounts.secret import Secret
from pointsman.cli.output import warn
from pointsman.config.environment import is_foreign_key
from pointsman.routing.snapshot import Backend

ON_COMMAND_LINE = (
    "a key on the command line can be read by others through `ps` and in the shell's history; leave `--key` "
    "out to be asked for it, or use `--key-stdin` or `--key-env`"
)
_LIKE_A_KEY = re.compile(r"(?=.*[a-z])(?=.*\d).{20,}|.*[^A-Za-z0-9_].*")


def check_variable(name: str | None) -> None:
    """Refuses what is a key in a variable's place, without repeating it. Raises UsageError."""
    if name is not None and _LIKE_A_KEY.fullmatch(name):
        raise click.UsageError(
            "`--key-env` takes the name of an environment variable, and this does not look like one; "
            "to enter a key, leave it out or use `--key-stdin`"
        )


def read_key(made: Backend, given: str | None, *, from_input: bool, named: bool) -> Secret | None:
    """The key to store, if there is one. Asks only where a person can answer. Raises UsageError."""
    if given is not None:
        warn(ON_COMMAND_LINE)
        return _checked(given, made)
    if from_input:
        return _checked(sys.stdin.read(), made)
    if named or not takes_key(made) or not sys.stdin.isatty():
        return None
    typed: str = click.prompt(_question(made), hide_input=True, default="", show_default=False, err=True)
    return _checked(typed, made) if typed.strip() else None


def may_bring_key(given: str | None, *, from_input: bool) -> bool:
    """Whether there is a key on the way, or somebody to ask for one."""
    return given is not None or from_input or sys.stdin.isatty()


def takes_key(made: Backend) -> bool:
    """Whether asking for a key makes sense: not for servers on this machine, which usually want none."""
    row = made.provider
    return not (row.local or row.engine or row.auth == "none" or brings_own_credential(made))


def _question(made: Backend) -> str:
    if variable_is_set(made):
        return f"Key for {made.name} (Enter: take it from {made.key_env}, which is set)"
    other = f"Enter: {made.key_env} will hold it" if made.key_env else "Enter: none"
    return f"Key for {made.name} ({other})"


def _checked(typed: str, made: Backend) -> Secret:
    key = typed.strip()
    if made.provider.engine:
        raise click.UsageError("the model inside pointsman takes no key")
    if not key:
        raise click.UsageError("the key is empty; nothing was changed")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise click.UsageError("the key holds a character that no header can carry; nothing was changed")
    return Secret(key)


def variable_is_set(made: Backend) -> bool:
    """Whether the backend's variable holds a key here that is not this endpoint's own."""
    return made.key_env is not None and is_foreign_key(os.environ.get(made.key_env, ""), os.environ)


def where_from(made: Backend, *, stored: bool) -> str:
    """Where the key of an added backend comes from, in words."""
    if made.key_env is not None and takes_key(made) and (variable_is_set(made) or not stored):
        state = "is set" if variable_is_set(made) else "is not set here: set it where `pointsman serve` runs"
        return f"its key comes from {made.key_env}, which {state}"
    if stored:
        return "its key is stored"
    return "it has no key yet" if needs_key(made) else "it is used without a key"

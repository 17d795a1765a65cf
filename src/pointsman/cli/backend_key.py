"""The key of a backend that is being added: typed in, from standard input, or in a variable. Never shown."""

import os
import re
import sys

import click

from pointsman.accounts.credentials import STORED
from pointsman.accounts.lease import brings_own_credential, needs_key
from pointsman.accounts.oauth.session import command
from pointsman.accounts.secret import Secret
from pointsman.cli.output import warn
from pointsman.config.environment import is_foreign_key
from pointsman.routing.snapshot import Backend

ON_COMMAND_LINE = (
    "a key on the command line can be read by others through `ps` and in the shell's history; leave `--key` "
    "out to be asked for it, or use `--key-stdin` or `--key-env`"
)
SIGNS_IN = "it uses the cloud's own credentials"
_LIKE_A_KEY = re.compile(r"(?=.*[a-z])(?=.*\d).{20,}|.*[^A-Za-z0-9_].*")


def check_variable(name: str | None) -> None:
    """Refuses what is a key in a variable's place, without repeating it. Raises UsageError."""
    if name is not None and _LIKE_A_KEY.fullmatch(name):
        raise click.UsageError(
            "`--key-env` takes the name of an environment variable, and this does not look like one; "
            "to enter a key, leave it out or use `--key-stdin`"
        )


def read_key(made: Backend, given: str | None, *, from_input: bool, kept: bool) -> Secret | None:
    """The key to store, if there is one. Asks only where a person can answer. Raises UsageError.

    `kept` says that a key is stored already, and stays.
    """
    if given is not None:
        warn(ON_COMMAND_LINE)
        return _checked(given, made)
    if from_input:
        return _checked(sys.stdin.read(), made)
    if not takes_key(made) or not sys.stdin.isatty():
        return None
    question = _question(made, kept=kept)
    typed: str = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    return _checked(typed, made) if typed.strip() else None


def may_bring_key(given: str | None, *, from_input: bool) -> bool:
    """Whether there is a key on the way, or somebody to ask for one."""
    return given is not None or from_input or sys.stdin.isatty()


def takes_key(made: Backend) -> bool:
    """Whether asking for a key makes sense: not for servers on this machine, which usually want none."""
    return _uses_key(made) and not made.provider.local and not _signs_a_person_in(made)


def _signs_a_person_in(made: Backend) -> bool:
    return made.provider.sign_in is not None and made.provider.login is not None


def _uses_key(made: Backend) -> bool:
    return not (made.provider.engine or made.provider.auth == "none" or brings_own_credential(made))


def _question(made: Backend, *, kept: bool) -> str:
    named_and_set = made.key_named and variable_is_set(made)
    if kept and not named_and_set:
        return f"Key for {made.name} (Enter: keep the one that is stored)"
    if variable_is_set(made):
        return f"Key for {made.name} (Enter: take it from {made.key_env}, which is set)"
    if made.provider.sign_in is not None:
        return f"Key for {made.name} (Enter: none, {SIGNS_IN})"
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


def where_from(made: Backend, source: str | None, *, stored: bool) -> str:
    """Where the key of an added backend comes from, in words; `source` is what a request would take."""
    if source is None and made.provider.sign_in is not None and _uses_key(made):
        if _signs_a_person_in(made):
            return f"sign in with `{command(made.provider)}`"
        return f"without a key, {SIGNS_IN}"
    if source is None or not _uses_key(made):
        if takes_key(made) and made.key_env is not None:
            place = "set it where `pointsman serve` runs"
            return f"its key comes from {made.key_env}, which is not set here: {place}"
        return "it has no key yet" if needs_key(made) else "it is used without a key"
    if source != STORED:
        return f"its key comes from {source}, which is set{', and goes before the stored one' * stored}"
    if made.key_env is None:
        return "its key is stored"
    if made.key_named:
        return f"its key is stored; {made.key_env} goes before it where it is set"
    return f"its key is stored{f', and goes before {made.key_env}' * variable_is_set(made)}"

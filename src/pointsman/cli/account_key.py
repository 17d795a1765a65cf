"""The key of an account that is being added: in a variable, from standard input, or typed in. Never shown."""

import os
import sys

import click

from pointsman.accounts.secret import Secret
from pointsman.cli.account_file import AccountFile
from pointsman.cli.backend_key import check_variable
from pointsman.config.schema import AccountSettings
from pointsman.config.shape import build


def read_account_key(
    backend: str, alias: str, key_env: str | None, *, from_input: bool
) -> tuple[AccountFile, Secret | None]:
    """The file, and the key to store, if it is not to come from a variable. Raises UsageError, SetupError."""
    if key_env is not None and from_input:
        raise click.UsageError("a key comes from one place: `--key-env` or `--key-stdin`")
    check_variable(key_env)
    build(AccountSettings, {"key_env": key_env} if key_env else {}, lambda _: "")
    if key_env is not None:
        return AccountFile(), None
    if from_input:
        return AccountFile(), _checked(sys.stdin.read())
    if not sys.stdin.isatty():
        raise click.UsageError("say where the key comes from: `--key-env NAME` or `--key-stdin`")
    typed: str = click.prompt(f"Key for {backend}/{alias}", hide_input=True, err=True)
    return AccountFile(), _checked(typed)


def _checked(typed: str) -> Secret:
    key = typed.strip()
    if not key:
        raise click.UsageError("the key is empty; nothing was changed")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise click.UsageError("the key holds a character that no header can carry; nothing was changed")
    return Secret(key)


def where(key_env: str | None, key: Secret | None) -> str:
    """Where the key of an added account comes from, in words."""
    if key is not None or key_env is None:
        return "its key is stored"
    if os.environ.get(key_env, "").strip():
        return f"its key comes from {key_env}, which is set"
    return f"its key comes from {key_env}, which is not set here: set it where `pointsman serve` runs"

"""`pointsman keys`: keys for the people and programs that use this endpoint."""

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite

import click
import msgspec
from msgspec import structs

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.output import note, print_json
from pointsman.cli.table import print_table
from pointsman.cli.usage import money
from pointsman.config.environment import endpoint_key
from pointsman.config.paths import find_paths
from pointsman.store.client_keys import FILE, PREFIX, ClientKey, ClientKeys, Limits, digest_of

BYTES = 32
"""Random ones in a key."""
LONGEST = 64
DOLLARS = click.FloatRange(0, 1e9)


@click.group("keys")
def command() -> None:
    """Keys for a household or a team: each with its models and budgets, and a name in the ledger. Example:

    \b
    pointsman keys add anna --model "claude-*" --dollars-per-day 5
    pointsman keys list
    """


def _keys() -> ClientKeys:
    return ClientKeys(find_paths(os.environ).data / FILE)


@command.command("add")
@click.argument("name")
@click.option("--model", "models", multiple=True, help="A pattern of models that it may use; repeatable.")
@click.option("--dollars-per-day", type=DOLLARS, help="What it may spend in a day (UTC).")
@click.option("--dollars-per-month", type=DOLLARS, help="The same in a month.")
@click.option("--tokens-per-day", type=click.IntRange(min=0), help="Tokens of all kinds in a day.")
@click.option("--tokens-per-month", type=click.IntRange(min=0), help="The same in a month.")
@click.option("--requests-per-minute", type=click.IntRange(min=0), help="Requests in a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def add(name: str, models: tuple[str, ...], *, as_json: bool, **limits: float | None) -> int:
    """Make a key called NAME and print it, this once: only its digest is kept. Example:

    \b
    pointsman keys add anna --model "claude-*" --dollars-per-day 5
    """
    if not name.isprintable() or not name.strip() or len(name) > LONGEST:
        raise SetupError(f"a key's name has 1 to {LONGEST} printable characters")
    key = PREFIX + secrets.token_urlsafe(BYTES)
    made = ClientKey(name, digest_of(key), time.time(), models, _limits_of(limits))
    _keys().add(made)
    if as_json:
        print_json({**_told(made), "key": key})
        return exit_codes.OK
    click.echo(key)
    note(f"this is {name}'s key; it is shown this once. Clients send it as they would a provider's key")
    if endpoint_key(os.environ) is None:
        note(
            "from now on the endpoint wants a key of everybody, and POINTSMAN_API_KEY is not set here: it is "
            "yours, so set it where the endpoint starts, start that again, and give it to your own clients"
        )
    return exit_codes.OK


def _limits_of(given: Mapping[str, float | None]) -> Limits:
    """Raises SetupError for what is no number that could be a limit."""
    if any(most is not None and not isfinite(most) for most in given.values()):
        raise SetupError("a limit is a number, such as 5 or 0.5")
    return msgspec.convert(given, Limits)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_keys(as_json: bool) -> int:
    """List the keys, without the keys. Example:

    \b
    pointsman keys list
    """
    keys = _keys().load()
    if as_json:
        print_json({"keys": [_told(key) for key in keys]})
    elif not keys:
        note("there are no client keys; `pointsman keys add NAME` makes one")
    else:
        print_table(("NAME", "MADE", "MODELS", "LIMITS", ""), [_row(key) for key in keys])
    return exit_codes.OK


@command.command("revoke")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke(name: str, as_json: bool) -> int:
    """Let the key called NAME open nothing any longer, within a second. Example:

    \b
    pointsman keys revoke anna
    """
    _keys().revoke(name, time.time())
    if as_json:
        print_json({"revoked": name})
    else:
        click.echo(f"the key {name} opens nothing any longer")
    return exit_codes.OK


def _told(key: ClientKey) -> Json:
    limits = {name: most for name, most in structs.asdict(key.limits).items() if most is not None}
    return {
        "name": key.name,
        "created": key.created,
        "models": list(key.models),
        "limits": limits,
        "revoked": key.revoked,
    }


def _row(key: ClientKey) -> tuple[str, ...]:
    made = datetime.fromtimestamp(key.created, UTC).astimezone().strftime("%Y-%m-%d")
    limits = ", ".join(_limits(key.limits)) or "none"
    return (key.name, made, ", ".join(key.models) or "all", limits, "" if key.revoked is None else "revoked")


def _limits(limits: Limits) -> Iterator[str]:
    for name, most in structs.asdict(limits).items():
        if most is not None:
            unit, _, per = name.partition("_per_")
            amount = money(most) if unit == "dollars" else f"{most:,} {unit}"
            yield f"{amount} a {per}"

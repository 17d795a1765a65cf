"""What `pointsman login` does: the sign-in, what is kept of it, and the backend that uses it."""

import os
import secrets
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import click
from msgspec import Struct

from pointsman.accounts.oauth.loopback import Loopback
from pointsman.accounts.oauth.plan import Surroundings, Way, issued_key, machine_urn, sign_in
from pointsman.accounts.oauth.record import CorruptRecordError, SignedIn, SignInFile, machine_id
from pointsman.accounts.oauth.sign_out import revoked
from pointsman.accounts.oauth.web import over_network
from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.canon.json import Json
from pointsman.catalog.login import KeyLogin, PlanLogin
from pointsman.catalog.provider import Provider
from pointsman.cli.backend_file import BackendFile
from pointsman.cli.output import harmless, note, warn
from pointsman.cli.sign_ins import backends_of, file_of, until
from pointsman.cli.telling import tell_running
from pointsman.cli.ways import ByBrowser, ByHand
from pointsman.config.paths import find_paths


class Asked(Struct, frozen=True):
    """How the person wants it."""

    manual: bool
    yes: bool
    limit: float
    """Seconds to wait for the browser."""


def for_plan(row: Provider, login: PlanLogin, asked: Asked) -> Json:
    """Signs in, keeps the tokens, and says whose they are. Raises PointsmanError."""
    _check_name(row)
    file = file_of(row)
    there = _there(file)
    active = there if there is not None and there.ended is None else None
    if active is not None:
        _ask(f"{harmless(active.who)} is signed in at {row.title}", asked)
    note(f"Before you sign in: {login.terms}.")
    machine = machine_id(find_paths(os.environ).data, machine_urn(secrets.token_bytes(16)))
    with _way(asked) as way:
        # One that has ended goes on under the client id that was issued for it: it is the same person's.
        before = there if active is None else None
        found = sign_in(login, way, _around(), machine=machine, before=before)
    with file.held():
        file.write(found)
    if active is not None:
        _end(active)
    told = {"provider": row.name, "backends": _backends(row), "who": found.who, "until": until(found)}
    return {**told, "endpoint": tell_running()}


def for_key(row: Provider, login: KeyLogin, asked: Asked) -> Json:
    """Signs in, and keeps the key that the provider issued like an entered one. Raises PointsmanError."""
    _check_name(row)
    backends = BackendFile()
    names = backends_of(row) or [row.name]
    if any(backends.has_key(name) for name in names):
        _ask(f"a key for {', '.join(names)} is stored", asked)
    with _way(asked) as way:
        key = issued_key(login, way, _around())
    for name in _backends(row):
        backends.prefer_entered(name)
        kept = backends.keep_key(name, key)
        if kept.warning is not None:
            warn(kept.warning)
    told = {"provider": row.name, "backends": _backends(row), "who": None, "until": None}
    return {**told, "endpoint": tell_running()}


def report(row: Provider, told: Json) -> None:
    """What came of it, for people."""
    whose = f"Signed in at {row.title}"
    if told["who"] is not None:
        click.echo(f"{whose} as {harmless(told['who'])}; its tokens are renewed by themselves.")
    else:
        click.echo(f"{whose}; the key that it issued is stored.")
    if row.login is not None and not isinstance(row.login, KeyLogin | PlanLogin):
        return
    manage = row.login.manage if row.login is not None else row.page
    click.echo(f"What it may be used for, and how to end it: {manage}")
    click.echo(told["endpoint"])
    click.echo("Try:")
    for name in told["backends"]:
        click.echo(f"  pointsman backend test {name}")


def _there(file: SignInFile) -> SignedIn | None:
    try:
        return file.read()
    except CorruptRecordError as error:
        warn(f"the file of the sign-in was corrupt and is now {error}")
        return None


def _ask(there: str, asked: Asked) -> None:
    """Whether what is there may be replaced. Raises SetupError where nobody can say, Abort on a no."""
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise SetupError(f"{there} already; `--yes` puts the new one in its place")
    click.confirm(f"{there} already. Put the new one in its place?", abort=True, err=True)


@contextmanager
def _way(asked: Asked) -> Generator[Way]:
    if asked.manual:
        yield ByHand()
        return
    with Loopback() as loopback:
        yield ByBrowser(loopback, asked.limit)


def _around() -> Surroundings:
    return Surroundings(over_network, time.time, secrets.token_urlsafe)


def _backends(row: Provider) -> list[str]:
    """The backends that use it; one is added where there is none. Raises SetupError."""
    there = backends_of(row)
    if there:
        return there
    BackendFile().put(row.name, {"provider": row.name})
    return [row.name]


def _check_name(row: Provider) -> None:
    """Raises SetupError where the backend's name is taken by another provider's."""
    if not backends_of(row) and row.name in BackendFile():
        raise SetupError(
            f"{row.name} is another provider's backend in the configuration file; give that one another "
            f"name, or add a backend of provider {row.name} yourself, and sign in again"
        )


def _end(old: SignedIn) -> None:
    """Ends the sign-in that was replaced; the new one stands, whatever becomes of it."""
    try:
        revoked(old, over_network)
    except PointsmanError as error:
        warn(f"the sign-in before this one could not be ended at the provider: {error.message}")

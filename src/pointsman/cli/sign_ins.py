"""The sign-ins of this machine, as commands see them: whose they are, until when, and for which backends."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from pointsman.accounts.oauth.record import CorruptRecordError, SignedIn, SignInFile, providers
from pointsman.accounts.oauth.session import command
from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.catalog.login import Login
from pointsman.catalog.provider import Provider
from pointsman.cli.output import harmless
from pointsman.config.load import read_file
from pointsman.config.paths import find_paths
from pointsman.config.shape import nearest
from pointsman.config.shipped import providers as rows


def with_login() -> dict[str, Provider]:
    """The rows at which a person can sign in, by the word for it on the command line."""
    return {row.login.name or row.name: row for row in rows().values() if row.login is not None}


def row_to_sign_in_at(word: str) -> tuple[Provider, Login]:
    """The row that a person means, and how to sign in there. Raises UsageError."""
    row = with_login().get(word) or rows().get(word)
    if row is not None and row.login is None and row.sign_in is not None:
        raise click.UsageError(
            f"{row.title} needs no sign-in here; without a key the cloud's own credentials are used: "
            f"add it with `pointsman backend add {row.name}`"
        )
    if row is None or row.login is None:
        raise click.UsageError(
            f"there is no sign-in {word}; the nearest one is {nearest(word, list(with_login()))}, and "
            "`pointsman login --help` lists them. Other providers take keys: `pointsman backend add`"
        )
    return row, row.login


def row_of(name: str) -> Provider:
    """The row of a backend, or the one at which a person signs in by that word. Raises UsageError."""
    backends = read_file(find_paths(os.environ).config_file)[0].backends
    row = rows().get((backends[name].provider or "") if name in backends else "")
    row = row or with_login().get(name)
    if row is None:
        near = nearest(name, [*backends, *with_login()])
        raise click.UsageError(
            f"there is no backend {name}, and no sign-in of that name; the nearest is {near}"
        )
    return row


def backends_of(row: Provider) -> list[str]:
    """The backends of the configuration file that are of a row."""
    backends = read_file(find_paths(os.environ).config_file)[0].backends
    return [name for name, settings in backends.items() if settings.provider == row.name]


def file_of(row: Provider) -> SignInFile:
    """Where a row's sign-in is kept."""
    return SignInFile(find_paths(os.environ).data, row.name)


def kept_facts() -> list[Json]:
    """Each sign-in that is kept: who, until when, and what to do where it has ended. No token is among it."""
    data = find_paths(os.environ).data
    return [_facts(name) for name in providers(data)]


def _facts(name: str) -> Json:
    row = rows().get(name)
    again = f"pointsman login {name}" if row is None else command(row)
    known = {"provider": name, "sign_in_again": again}
    try:
        kept = SignInFile(find_paths(os.environ).data, name).read()
    except CorruptRecordError as error:
        return {**known, "who": None, "until": None, "ended": f"its file was corrupt and is now {error}"}
    except SetupError as error:
        return {**known, "who": None, "until": None, "ended": error.message}
    if kept is None:
        return {**known, "who": None, "until": None, "ended": "it has just gone"}
    return {**known, "who": kept.who, "until": until(kept), "ended": kept.ended}


def until(kept: SignedIn) -> str:
    """When the token that is there ends; it is renewed before."""
    return datetime.fromtimestamp(kept.expires, UTC).isoformat(timespec="seconds")


def lines(facts: list[Json]) -> Iterator[str]:
    """The same for people."""
    if facts:
        yield "  Signed in"
    for each in facts:
        if each["ended"]:
            words = f"{each['ended']}; sign in again: `{each['sign_in_again']}`"
            who = harmless(each["who"] or "nobody")
            yield click.style(f"    {each['provider']}  {who}: {harmless(words)}", fg="yellow")
        else:
            yield f"    {each['provider']}  as {harmless(each['who'])}; its token holds {_for(each['until'])}"


def _for(moment: str) -> str:
    minutes = int(datetime.fromisoformat(moment).timestamp() - time.time()) // 60
    return (
        f"for {minutes} min more, and is renewed before"
        if minutes > 0
        else "no more, and is renewed when needed"
    )

"""`pointsman doctor`: one report of everything that could be wrong, and what mends it."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from msgspec import structs

from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.cli import exit_codes
from pointsman.cli.checks.finding import Finding, Level
from pointsman.cli.output import harmless, note, on_terminal, one_line, print_json
from pointsman.config.environment import endpoint_key
from pointsman.config.paths import find_paths
from pointsman.config.schema import Settings

MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
}
WIDTH = 22
HEARD_WITHIN = 60.0


@click.command("doctor")
@click.option("--probe", is_flag=True, help="Ask each backend for one token; may cost a fraction of a cent.")
@click.option("--usage", is_flag=True, help="Ask each account for one token: what is left of its limits.")
@click.option("--auth-check", is_flag=True, help="Hear what key a client really sends.")
@click.option("--timeout", type=click.FloatRange(min=0), default=HEARD_WITHIN, help="Seconds to hear.")
@click.option("--client", help="Replay this client's first requests against the running endpoint.")
@click.option("-m", "--model", default="default", show_default=True, help="The model that --client asks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    probe: bool, usage: bool, auth_check: bool, timeout: float, client: str | None, model: str, as_json: bool
) -> int:
    """Look at everything that could be wrong, and say what mends it. No key is in the report. Example:

    \b
    pointsman doctor
    pointsman doctor --usage
    pointsman doctor --client claude-code -m sonnet
    """
    if auth_check:
        return _print(_heard(timeout), as_json)
    if client is not None:
        return _print(_replayed(client, model), as_json)
    if probe and not as_json:
        note("asking every backend for one token, which may cost a fraction of a cent")
    return _print(_all(probe=probe, usage=usage, quiet=as_json), as_json)


def _print(findings: Iterable[Finding], as_json: bool) -> int:
    """Each as it comes; the exit status."""
    found: list[Finding] = []
    for each in findings:
        found.append(each)
        if not as_json:
            click.echo(_line(each))
    worst = "fail" if any(each.level == "fail" for each in found) else "ok"
    if as_json:
        print_json({"findings": [structs.asdict(each) for each in found], "failed": worst == "fail"})
    return exit_codes.FAILED if worst == "fail" else exit_codes.OK


def _line(finding: Finding) -> str:
    word, colour = MARKS[finding.level]
    mark = f"{word:<4}"
    shown = click.style(mark, fg=colour) if on_terminal() else mark
    mend = f"  → {finding.mend}" if finding.mend else ""
    return f"{shown}  {harmless(finding.about):<{WIDTH}}  {one_line(finding.said)}{one_line(mend)}"


def _all(*, probe: bool, usage: bool, quiet: bool) -> Iterator[Finding]:
    """The checks, in the order in which things depend on each other."""
    from pointsman.cli.checks import (  # noqa: PLC0415 - `--help` needs none of it
        backends,
        endpoint,
        installation,
        overhead,
        programs,
        records,
    )
    from pointsman.ledger.schema import FILE  # noqa: PLC0415 - the same

    paths = find_paths(os.environ)
    yield installation.versions()
    configured, effective = installation.configuration(os.environ)
    yield configured
    yield from installation.folders(paths)
    yield from _kept(installation.sign_ins, "sign-ins")
    yield from _kept(lambda: endpoint.running(effective), "endpoint")
    yield from records.ledger(paths.data / FILE)
    yield records.embedded()
    if effective is not None:
        yield from _kept(endpoint.next_served, "models")
        if not quiet and on_terminal():
            note("asking the backends …")
        yield from _kept(lambda: backends.reachable(probe=probe), "backends")
        if usage:
            yield from _kept(backends.used, "accounts")
    port = Settings().port if effective is None else effective.settings.port
    yield from programs.programs(os.environ, Path.home(), port)
    yield from _kept(lambda: [overhead.measured()], "overhead")


def _kept(check: Callable[[], Iterable[Finding]], about: str) -> Iterator[Finding]:
    """What a check finds; where it cannot be made, that."""
    try:
        yield from check()
    except PointsmanError as error:
        yield Finding("fail", about, error.message)


def _heard(timeout: float) -> Iterator[Finding]:
    from pointsman.cli.checks.hearing import hear  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.store.client_keys import FILE, ClientKeys  # noqa: PLC0415 - the same

    keys = ClientKeys(find_paths(os.environ).data / FILE).load()
    yield hear(0, timeout, endpoint_key(os.environ), keys, lambda url: note(f"point the client at {url}"))


def _replayed(name: str, model: str) -> Iterator[Finding]:
    """Raises SetupError for a client that is not known."""
    from pointsman.cli.checks.handshake import handshake  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.reach import reach  # noqa: PLC0415 - the same
    from pointsman.config.shape import nearest  # noqa: PLC0415 - the same
    from pointsman.config.shipped import clients  # noqa: PLC0415 - the same

    known = {each: row for each, row in clients().items() if row.dialects}
    if name not in known:
        raise SetupError(f"there is no client {name}; the nearest is {nearest(name, list(known))}")
    with reach(model) as endpoint:
        yield from handshake(known[name], endpoint, model)

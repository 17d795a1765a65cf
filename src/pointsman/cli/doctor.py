"""`pointsman doctor`: one report to paste, each line ok, warn or fail with what mends it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from pointsman.cli.output import note, on_terminal

if TYPE_CHECKING:
    from pointsman.cli.checks.finding import Finding

PATIENCE = 60.0
"""Seconds that are waited for a client."""


class Wanted(Struct, frozen=True):
    """What the command line asks for."""

    probe: bool
    usage: bool
    auth_check: bool
    timeout: float
    client: str | None
    model: str | None
    offline: bool
    as_json: bool


@click.command("doctor")
@click.option("--probe", is_flag=True, help="Send each backend a real request of one token.")
@click.option("--usage", is_flag=True, help="Send one for each account, and show its windows and claim.")
@click.option("--auth-check", is_flag=True, help="Listen once, and tell what key a client really sends.")
@click.option("--timeout", type=click.FloatRange(0.1), default=PATIENCE, help="Seconds to wait for it.")
@click.option("--client", metavar="NAME", help="Replay this client's handshake: claude-code, codex, …")
@click.option("-m", "--model", help="The model that it asks for; the one inside pointsman if left out.")
@click.option("--offline", is_flag=True, help="Before a stand-in for a provider, whatever runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**options: object) -> int:
    """Say what is wrong and how to mend it; exit status 1 if something failed. Example:

    \b
    pointsman doctor
    pointsman doctor --probe --usage
    pointsman doctor --auth-check
    pointsman doctor --client claude-code
    """
    import msgspec  # noqa: PLC0415 - `--help` needs none of it

    from pointsman.cli.checks.report import show  # noqa: PLC0415 - the same

    wanted = msgspec.convert(options, Wanted)
    return show(_findings(wanted), as_json=wanted.as_json)


def _findings(wanted: Wanted) -> "Iterable[Finding]":
    from pointsman.cli.checks import modes  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.checks.report import gather  # noqa: PLC0415 - the same
    from pointsman.cli.checks.scene import look_around  # noqa: PLC0415 - the same
    from pointsman.cli.checks.table import CHECKS, PROBE, USAGE  # noqa: PLC0415 - the same

    if wanted.auth_check and wanted.client is not None:
        raise click.UsageError("--auth-check listens for whatever you point at it; leave out --client")
    scene = look_around()
    if wanted.auth_check:
        return modes.auth_check(scene, wanted.timeout)
    if wanted.client is not None:
        return modes.handshake(scene, wanted.client, wanted.model, offline=wanted.offline)
    more = (*((PROBE,) if wanted.probe else ()), *((USAGE,) if wanted.usage else ()))
    if more:
        note("sending real requests of one token each, which may cost a fraction of a cent …")
    return gather(scene, (*CHECKS, *more), quiet=wanted.as_json or not on_terminal())

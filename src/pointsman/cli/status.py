"""`pointsman status`: whether an endpoint runs, what it serves or would serve, and what to type next."""

import os
import time
from collections.abc import Iterator

import click

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.banner import backend_lines, default_lines, export_lines, responses_lines
from pointsman.cli.output import age, count, print_json
from pointsman.cli.reach import own_key, records
from pointsman.cli.sign_ins import kept_facts
from pointsman.cli.sign_ins import lines as sign_in_lines
from pointsman.config.endpoint_file import Endpoint
from pointsman.config.load import read_file
from pointsman.config.paths import find_paths
from pointsman.control.endpoint import EndpointClient, EndpointError


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Show whether an endpoint runs and what it serves. Example:

    \b
    pointsman status
    pointsman status --json
    """
    running = list(records())
    facts = {**(_live(*running) if running else _offline()), "sign_ins": kept_facts()}
    if as_json:
        print_json(facts)
    else:
        click.echo("\n".join(_lines(facts)))
    return exit_codes.USAGE if facts["config_error"] else exit_codes.OK


def _live(found: Endpoint, *others: Endpoint) -> Json:
    """What the endpoint that runs says, and whether the file that it reads still loads."""
    known = {"running": True, "address": found.url, "pid": found.pid, "version": found.version}
    beside = {"others": [each.url for each in others]}
    try:
        told = EndpointClient(found.url, own_key()).status()
    except EndpointError as error:
        # Most likely its key is not set here; that it runs is known all the same.
        told = {"warnings": [error.message], "uptime": time.time() - found.started, "key_required": True}
    return {**told, **known, **beside, "config_error": _broken_file()}


def _broken_file() -> str | None:
    try:
        read_file(find_paths(os.environ).config_file)
    except SetupError as error:
        return error.message
    return None


def _offline() -> Json:
    from pointsman.cli.offline import Offline  # noqa: PLC0415 - heavy, and not needed where one runs

    try:
        facts = Offline().status()
    except SetupError as error:
        return {"running": False, "config_error": error.message}
    return {**facts, "running": False, "config_error": None}


def _spent(budget: Json) -> str:
    """What is left of one."""
    amounts = [budget["spent"], budget["most"]]
    spent, most = (f"${each:,.2f}" if budget["unit"] == "dollars" else f"{each:,}" for each in amounts)
    unit = "" if budget["unit"] == "dollars" else f" {budget['unit']}"
    return f"{budget['name']}: {spent} of {most}{unit} a {budget['per']}"


def _lines(facts: Json) -> Iterator[str]:
    yield from _running(facts) if facts["running"] else _not_running(facts)
    error, warnings = facts["config_error"], facts.get("warnings", ())
    # A running endpoint says the same, and what it does about it.
    if error and not any(warning.startswith(error) for warning in warnings):
        yield click.style(f"  error: {error}", fg="red")
    for warning in warnings:
        yield click.style(f"  warning: {warning}", fg="yellow")
    yield from (f"  budget {_spent(each)}" for each in facts.get("budgets", ()))
    yield from sign_in_lines(facts["sign_ins"])
    yield from _next(facts)


def _running(facts: Json) -> Iterator[str]:
    name, address = click.style("pointsman", bold=True), click.style(facts["address"], bold=True)
    yield f"{name} {facts['version']} runs at {address} (process {facts['pid']}, for {age(facts['uptime'])})"
    for address in facts["others"]:
        yield f"  Another one runs at {address}"
    if "traffic" not in facts:
        return
    traffic = facts["traffic"]
    words = [count(traffic["requests"], "request"), count(traffic["errors"], "error")]
    yield f"  {', '.join(words)}, {traffic['in_flight']} in flight"
    yield from _serves(facts)


def _not_running(facts: Json) -> Iterator[str]:
    yield f"{click.style('pointsman', bold=True)} is not running"
    if "backends" in facts:
        yield "  It would serve what stands here, and the model servers that it finds on this machine:"
        yield from _serves(facts)


def _serves(facts: Json) -> Iterator[str]:
    yield from backend_lines(facts)
    yield from default_lines(facts)
    if "responses" in facts:
        yield from responses_lines(facts)


def _next(facts: Json) -> Iterator[str]:
    if facts["config_error"]:
        yield "  Next: correct the file, then `pointsman config check`"
    elif facts["running"]:
        yield "  Next, to point your tools here:"
        yield from (f"    {line}" for line in export_lines(facts))
    else:
        yield '  Next: `pointsman serve` to start it, or `pointsman ask "Say hello"` to try it'

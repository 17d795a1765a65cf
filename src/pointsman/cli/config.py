"""`pointsman config`: the effective configuration, and where each value comes from. Never a key."""

import os
from collections.abc import Iterator
from typing import cast

import click

from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.output import count, print_json, warn
from pointsman.config.environment import API_KEY_VARIABLE, endpoint_key
from pointsman.config.load import Effective, load
from pointsman.config.paths import find_paths
from pointsman.config.schema import BackendSettings, Settings
from pointsman.config.show import Sourced, explain


@click.group("config", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """Show the effective configuration and where each value comes from. Example:

    \b
    pointsman config
    pointsman config --json
    pointsman config check
    """
    if context.invoked_subcommand is not None:
        return exit_codes.OK
    effective = load(find_paths(os.environ).config_file, os.environ)
    for warning in effective.warnings:
        warn(warning)
    if as_json:
        print_json(_facts(effective))
    else:
        _print(effective)
    return exit_codes.OK


def _facts(effective: Effective) -> Json:
    values = {key: {"value": each.value, "source": each.source} for key, each in explain(effective).items()}
    return {
        "file": str(effective.path),
        "exists": effective.path.exists(),
        "key_required": _has_key(),
        "values": values,
    }


def _print(effective: Effective) -> None:
    from pointsman.cli.table import print_table  # noqa: PLC0415 - not needed for JSON

    click.echo(f"{effective.path}{'' if effective.path.exists() else ' (not there yet)'}")
    print_table(
        ("KEY", "VALUE", "FROM"),
        ((key, _shown(each), each.source) for key, each in worth_showing(effective)),
    )
    if _has_key():
        click.echo(f"Clients must send the key in {API_KEY_VARIABLE}.")


def worth_showing(effective: Effective) -> Iterator[tuple[str, Sourced]]:
    """Every value of pointsman's own, and of each backend what is not as usual."""
    untouched = dict.fromkeys(effective.settings.backends, BackendSettings())
    usual = explain(Effective(Settings(backends=untouched), effective.path))
    for key, each in explain(effective).items():
        if not key.startswith("backends.") or key not in usual or each.value != usual[key].value:
            yield key, each


def _has_key() -> bool:
    return endpoint_key(os.environ) is not None


def _shown(each: Sourced) -> str:
    """A value as TOML writes it, or nearly; a dash for none."""
    value = each.value
    if value is None or value in ((), {}):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)


@command.command("path")
def path() -> int:
    """Print where the configuration file is, or would be. Example:

    \b
    $EDITOR "$(pointsman config path)"
    """
    click.echo(find_paths(os.environ).config_file)
    return exit_codes.OK


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(as_json: bool) -> int:
    """Load the configuration as `serve` would; exit status 2 if it does not load. Example:

    \b
    pointsman config check
    """
    from pointsman.cli.offline import Offline  # noqa: PLC0415 - heavy, and only this command needs it

    facts = Offline().status()
    if as_json:
        backends = [each["name"] for each in facts["backends"]]
        print_json({"file": str(facts["config"]), "backends": backends, "warnings": facts["warnings"]})
        return exit_codes.OK
    for warning in facts["warnings"]:
        warn(warning)
    click.echo(f"{facts['config']} loads: {count(len(facts['backends']), 'backend')}")
    return exit_codes.OK

"""The programs on this machine that could use the endpoint, and whether their settings lead here.

Only the address is looked for in a settings file; nothing of it is shown or kept.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pointsman.catalog.client import Client
from pointsman.cli.checks.finding import Finding
from pointsman.config.shipped import clients

LARGEST = 1024 * 1024
"""Bytes of a settings file that are looked at."""
_HERE = ("localhost", "127.0.0.1", "[::1]")


def programs(environment: Mapping[str, str], home: Path, port: int) -> Iterator[Finding]:
    """Those that are installed."""
    for name, row in clients().items():
        if any(shutil.which(command, path=environment.get("PATH")) for command in row.commands):
            yield _one(name, row, environment, home, port)


def _one(name: str, row: Client, environment: Mapping[str, str], home: Path, port: int) -> Finding:
    about, guide = f"client {name}", f"see docs/clients/{row.guide}.md"
    for variable in row.base_url_env:
        if value := environment.get(variable):
            if _leads_here(value, port):
                return Finding("ok", about, f"{row.title} leads here, by {variable}")
            return Finding("warn", about, f"{row.title} leads elsewhere, by {variable}", guide)
    for file in row.settings:
        if _leads_here(_read(home / file), port):
            return Finding("ok", about, f"{row.title} leads here, by ~/{file}")
    return Finding("warn", about, f"{row.title} is installed and does not lead here", guide)


def _leads_here(text: str, port: int) -> bool:
    return any(f"{host}:{port}" in text for host in _HERE)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""

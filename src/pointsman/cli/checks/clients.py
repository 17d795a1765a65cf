"""The clients on this machine: which are installed, and whether each points here.

Only base URLs are read of their settings, never a login or a key.
"""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

from msgspec import Struct

from pointsman.catalog.client import Client, Setting
from pointsman.cli.checks.client_files import addresses
from pointsman.cli.checks.finding import Finding, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.config.shipped import clients
from pointsman.config.urls import is_loopback_host, without_user


class Pointer(Struct, frozen=True):
    """One address that a client was given, and where."""

    where: str
    url: str


def check(scene: Scene) -> Iterator[Finding]:
    """One line for each that is installed."""
    found = [each for each in clients().values() if installed(each, scene) is not None]
    for each in found:
        yield _one(each, scene)
    if not found:
        yield ok("clients", "none of those that are known is installed here")


def installed(client: Client, scene: Scene) -> str | None:
    """Where its program is."""
    path = scene.environment.get("PATH")
    return next(filter(None, (which(command, path=path) for command in client.commands)), None)


def _one(client: Client, scene: Scene) -> Finding:
    what = f"client {client.name}"
    guide = f"docs/clients/{client.guide}.md" if client.guide else client.page
    if not client.points_here:
        return ok(what, f"{client.title} is installed; where it points is not to be seen from here ({guide})")
    found = list(pointers(client, scene))
    here = next((each for each in found if is_here(each.url, scene.port)), None)
    if here is not None:
        return ok(what, f"{client.title} points here ({here.where})")
    mend = _mend(client.points_here[0], scene.url, guide)
    if not found:
        return warn(what, f"{client.title} is installed, and nothing points it here", mend)
    first = found[0]
    return warn(what, f"{client.title} points to {shown(first.url)} ({first.where})", mend)


def pointers(client: Client, scene: Scene) -> Iterator[Pointer]:
    """Every address that it was given."""
    for setting in client.points_here:
        if setting.variable is not None:
            value = scene.environment.get(setting.variable, "").strip()
            if value:
                yield Pointer(setting.variable, value)
        if setting.file is not None:
            file = _path(setting.file, scene)
            yield from (Pointer(setting.file, each) for each in addresses(file, setting.keys))


def _path(name: str, scene: Scene) -> Path:
    home = scene.environment.get("HOME")
    return Path(home) / name[2:] if name.startswith("~/") and home else Path(name).expanduser()


def is_here(url: str, port: int) -> bool:
    """Whether an address is this machine's, at the endpoint's port."""
    try:
        parts = urlsplit(url)
        return is_loopback_host(parts.hostname) and parts.port == port
    except ValueError:
        return False


def shown(url: str) -> str:
    """An address without what may be a secret in it: its user and its query."""
    return without_user(url).partition("?")[0].partition("#")[0]


def _mend(setting: Setting, url: str, guide: str) -> str:
    return f"export {setting.variable}={url}  ({guide})" if setting.variable else f"see {guide}"

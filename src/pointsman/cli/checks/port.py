"""The port: free, ours, or somebody else's."""

import socket
from collections.abc import Iterator

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.holder import holder
from pointsman.cli.checks.scene import LOOPBACK, Scene
from pointsman.cli.reach import health

KNOCK = 1.0
"""Seconds in which a listener on this machine takes a connection."""


def check(scene: Scene) -> Iterator[Finding]:
    """One line for each endpoint that runs, or one for the port that is meant."""
    for each in scene.endpoints:
        yield ok("port", f"{each.url} is a pointsman's (process {each.pid}, version {each.version})")
    if scene.endpoints:
        yield from _key(scene)
        return
    port, url = scene.port, scene.url
    if not _taken(port):
        yield ok("port", f"{port} is free; no endpoint runs (`pointsman serve` starts one)")
    elif health(url) is not None:
        yield warn("port", f"{url} is a pointsman's that this user or POINTSMAN_HOME does not know")
    else:
        mend = f"stop that program, or `pointsman serve --port {port + 1}`"
        yield fail("port", f"{port} is taken by {holder(port)}", mend)


def _key(scene: Scene) -> Iterator[Finding]:
    """Whether its own pages open to this user."""
    if scene.status is None:
        why = f"{scene.url} does not tell its state: the key that it asks for is not the one set here"
        yield warn("endpoint", why, "export POINTSMAN_API_KEY with the endpoint's key")


def _taken(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=KNOCK):
            return True
    except OSError:
        return False

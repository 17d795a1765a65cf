"""What `pointsman doctor` does beside looking: a client's handshake, and what a client really sends."""

from collections.abc import Iterator

import click

from pointsman.catalog.client import Client
from pointsman.cli.checks.auth_check import Listener, judge
from pointsman.cli.checks.finding import Finding, fail, ok, without_secrets
from pointsman.cli.checks.handshake import replay
from pointsman.cli.checks.own_endpoint import KEY, NAME, own_endpoint
from pointsman.cli.checks.scene import Scene
from pointsman.cli.checks.stand_in import MODEL
from pointsman.cli.output import note
from pointsman.config.environment import endpoint_key
from pointsman.config.shape import nearest
from pointsman.config.shipped import clients as rows
from pointsman.server.guard import Admission
from pointsman.store.client_keys import FILE, ClientKeys

INSIDE = "local"
"""The model that costs nothing."""


def auth_check(scene: Scene, seconds: float) -> Iterator[Finding]:
    """Waits for one request, and tells what came with it."""
    listener = Listener()
    note(f"point your client at {listener.url} (with /v1 where it wants that), and send it a prompt")
    note(f"waiting {seconds:g} s for one request …")
    key = endpoint_key(scene.environment)
    clients = {each.digest: each for each in ClientKeys(scene.paths.data / FILE).load()}
    admission = Admission(key=None if key is None else key.encode(), clients=clients)
    found = judge(listener.wait(seconds), admission, seconds)
    yield from (without_secrets(each, scene.redact) for each in found)


def handshake(scene: Scene, name: str, model: str | None, *, offline: bool) -> Iterator[Finding]:
    """Replays a client's first requests to the endpoint that runs, or to one of its own before a stand-in."""
    client = client_of(name)
    found = _offline(client) if offline or scene.live is None else _live(scene, client, model)
    yield from (without_secrets(each, scene.redact) for each in found)


def _live(scene: Scene, client: Client, model: str | None) -> Iterator[Finding]:
    asked = model or INSIDE
    cost = "costs nothing" if asked == INSIDE else "may cost a fraction of a cent"
    yield ok("endpoint", f"{scene.url} is asked for {asked}, which {cost}")
    assert scene.live is not None
    yield from replay(client, scene.url, scene.live.key, asked)


def _offline(client: Client) -> Iterator[Finding]:
    try:
        with own_endpoint() as endpoint:
            yield ok("endpoint", "one of the doctor's own, before a stand-in that costs nothing")
            yield from replay(client, endpoint.url, KEY, f"{NAME}:{MODEL}")
    except TimeoutError:
        yield fail("endpoint", "one of the doctor's own did not start in time", "`pointsman serve` says why")


def client_of(name: str) -> Client:
    """The row of that name. Raises UsageError."""
    known = {each.name: each for each in rows().values() if each.handshake}
    if name not in known:
        near = nearest(name, list(known))
        raise click.UsageError(
            f"no handshake of {name} is known; the nearest is {near}, and there are {', '.join(known)}"
        )
    return known[name]

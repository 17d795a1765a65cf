"""The backends: whether each is reached, takes its key, and goes by the same clock. Nothing of it costs."""

import asyncio
import time
from collections.abc import Iterator

from msgspec import structs

from pointsman.app import App
from pointsman.canon.errors import NoCredentialError, PointsmanError, RefusedError, UnreachableError
from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.checks.watched import WatchedTransport
from pointsman.cli.output import count
from pointsman.cli.surroundings import survey, surveyor
from pointsman.control.accounts import NO_KEY
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend, Model
from pointsman.upstream.http import HttpTransport
from pointsman.upstream.transport import Outgoing

WITHIN = 10.0
"""Seconds for each backend; all are asked at the same time."""
NOTABLE, FATAL = 30.0, 300.0
"""Seconds between two clocks. A signature of AWS's holds for five minutes:
https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html"""


def check(scene: Scene) -> Iterator[Finding]:
    """One line for each backend, and one for the clock."""
    if scene.app is not None:
        yield from asyncio.run(_look(scene.app))


async def _look(app: App) -> list[Finding]:
    parts = app.service.parts
    watched = WatchedTransport(HttpTransport())
    try:
        parts.router = await survey(app, watched)
        backends = [each for each in parts.router.snapshot.backends.values() if not each.provider.engine]
        found = await asyncio.gather(*(_one(app, watched, each) for each in backends))
    finally:
        await watched.close()
        await parts.transport.close()
    if not backends:
        mend = "`pointsman backend add` or a provider's key in the environment"
        found = [warn("backends", "there is none but the model inside pointsman", mend)]
    return [*found, *clock(watched.skews)]


async def _one(app: App, watched: WatchedTransport, backend: Backend) -> Finding:
    what, began = f"backend {backend.name}", time.monotonic()
    state = app.accounts.key_state(backend)
    if state in NO_KEY:
        return fail(what, NO_KEY[state], f"`pointsman accounts add {backend.name}`")
    try:
        async with asyncio.timeout(WITHIN):
            said = await _asked(app, watched, backend)
    except TimeoutError:
        return fail(what, f"{_host(backend)} has not answered within {WITHIN:g} s", _test(backend))
    except PointsmanError as error:
        return _trouble(what, backend, error)
    return ok(what, f"{said}, in {time.monotonic() - began:.2f} s")


async def _asked(app: App, watched: WatchedTransport, backend: Backend) -> str:
    """What it said. Raises PointsmanError."""
    if backend.credential == "client" or not backend.provider.lists_models:
        return await _knock(app, watched, backend)
    found = await surveyor(app, watched).models(backend.name)
    _learn(app, backend, found)
    takes = "" if app.accounts.key_state(backend) == "none" else "takes the key and "
    return f"{_host(backend)} {takes}lists {count(len(found), 'model')}"


def _learn(app: App, backend: Backend, models: tuple[Model, ...]) -> None:
    """Whoever looks next routes by these, as an endpoint does."""
    before = app.service.parts.router.snapshot
    catalogs = {**before.catalogs, backend.name: models}
    app.service.parts.router = Router(structs.replace(before, catalogs=catalogs))


async def _knock(app: App, watched: WatchedTransport, backend: Backend) -> str:
    """That something answers HTTP there. Raises UpstreamError."""
    url = next(iter(backend.bases.values()))
    proxy = app.service.parts.proxy_for(url, backend)
    knock = Outgoing("HEAD", url, (), connect=WITHIN, first_byte=WITHIN, proxy=proxy, ca_file=backend.ca_file)
    incoming = await watched.send(knock)
    await incoming.close()
    return f"{_host(backend)} answers; its key is not tried, since that would cost"


def _trouble(what: str, backend: Backend, error: PointsmanError) -> Finding:
    if isinstance(error, NoCredentialError):
        return fail(what, error.message, f"`pointsman accounts add {backend.name}`")
    if isinstance(error, RefusedError) and error.status in {401, 403}:
        why = f"its key is refused: {error.message}"
        return fail(what, why, f"`pointsman accounts add {backend.name}` with a key that is valid")
    if isinstance(error, UnreachableError):
        return fail(what, f"it is not reached: {error.message}", "start it, or correct its `base_url`")
    return warn(what, error.message, _test(backend))


def clock(skews: dict[str, float]) -> Iterator[Finding]:
    """How far apart our clock and theirs are; nothing where nobody told."""
    if not skews:
        return
    host, skew = min(skews.items(), key=lambda item: abs(item[1]))
    words = f"ours is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} that of {host}"
    mend = "set this machine's clock: `sudo timedatectl set-ntp true`"
    if abs(skew) < NOTABLE:
        yield ok("clock", f"ours is within {NOTABLE:.0f} s of that of {host}")
    else:
        yield (warn if abs(skew) < FATAL else fail)("clock", words, mend)


def _test(backend: Backend) -> str:
    return f"`pointsman backend test {backend.name}`"


def _host(backend: Backend) -> str:
    return next(iter(backend.bases.values())).partition("://")[2].partition("/")[0].rpartition("@")[2]

"""Real requests, for `--probe` and `--usage`: one token of the cheapest model, and what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

from pointsman.app import App
from pointsman.canon.errors import PointsmanError, RefusedError
from pointsman.cli.account_trial import only
from pointsman.cli.checks.cheapest import cheapest_model
from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.surroundings import survey
from pointsman.cli.trial import generate
from pointsman.control.accounts import NO_KEY
from pointsman.ledger.billing import bucket_of
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Patience
from pointsman.routing.snapshot import Account, Backend
from pointsman.routing.window import Window

WITHIN = 60.0
"""Seconds for each request."""
OVERAGE = "extra_usage"


def probe(scene: Scene) -> Iterator[Finding]:
    """One line for each backend: whether it answers a request."""
    if scene.app is not None:
        yield from asyncio.run(_with_app(scene.app, _probe))


def usage(scene: Scene) -> Iterator[Finding]:
    """One line for each account: its windows, and what a request counts against."""
    if scene.app is not None:
        yield from asyncio.run(_with_app(scene.app, _usage))


async def _with_app(app: App, look: Callable[[App, Backend], Awaitable[list[Finding]]]) -> list[Finding]:
    parts = app.service.parts
    parts.patience = Patience(max_attempts=1)
    try:
        parts.router = await survey(app, parts.transport)
        found: list[Finding] = []
        for backend in tuple(parts.router.snapshot.backends.values()):
            if not backend.provider.engine:
                found += await look(app, backend)
    finally:
        await parts.transport.close()
    return found


async def _probe(app: App, backend: Backend) -> list[Finding]:
    return [await _one(app, backend, f"probe {backend.name}", lambda trace: ok("", _answered(trace)))]


async def _usage(app: App, backend: Backend) -> list[Finding]:
    parts, found = app.service.parts, list[Finding]()
    for account in backend.pool if backend.credential != "client" else ():
        with only(parts, backend, account) as alone:
            found.append(await _account(app, alone, account))
    return found


async def _account(app: App, alone: Backend, account: Account) -> Finding:
    def said(trace: Trace) -> Finding:
        bucket = bucket_of(trace, alone.provider)
        windows = "; ".join(_window(each) for each in trace.windows) or "it tells of no windows"
        words = f"{windows}; claim {trace.claim or 'none'}, billed to {bucket}"
        return (
            warn("", words, "`pointsman accounts list` shows what is left")
            if bucket == OVERAGE
            else ok("", words)
        )

    return await _one(app, alone, f"usage {alone.name}/{account.alias}", said)


async def _one(app: App, backend: Backend, what: str, said: Callable[[Trace], Finding]) -> Finding:
    """What came of one request."""
    state, began = app.accounts.key_state(backend), time.monotonic()
    if state in NO_KEY:
        return fail(what, NO_KEY[state], f"`pointsman accounts add {backend.name}`")
    mend = f"`pointsman explain {backend.name}:MODEL`, then `pointsman backend test {backend.name} -m MODEL`"
    try:
        async with asyncio.timeout(WITHIN):
            model = await cheapest_model(app, backend)
            began = time.monotonic()
            trace = await generate(app.service.parts, backend, model)
    except TimeoutError:
        return fail(what, f"it has not answered within {WITHIN:g} s", mend)
    except PointsmanError as error:
        status = f"status {error.status}: " if isinstance(error, RefusedError) else ""
        return fail(what, f"{status}{error.message} (after {time.monotonic() - began:.2f} s)", mend)
    finding = said(trace)
    return Finding(finding.level, what, finding.why, finding.mend)


def _answered(trace: Trace) -> str:
    return f"status {trace.status}, {trace.model} answered in {trace.duration or 0.0:.2f} s"


def _window(window: Window) -> str:
    used = f"{window.name} {window.utilisation:.0%} used"
    if window.resets is None:
        return used
    return f"{used}, resets {datetime.fromtimestamp(window.resets, UTC).isoformat(timespec='seconds')}"

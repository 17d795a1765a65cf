"""The embedded model's file: where it is, and fetching it ahead of the first request that needs it."""

import asyncio
import os
from pathlib import Path

from pointsman.app import App
from pointsman.canon.errors import SetupError, UnknownModelError
from pointsman.cli.progress import progress
from pointsman.cli.surroundings import survey
from pointsman.config.paths import find_paths, platform_cache
from pointsman.routing.router import Router
from pointsman.upstream.http import HttpTransport
from pointsman.upstream.weights import find
from pointsman.upstream.weights_fetch import fetch

TITLE = "fetching the embedded model"


def here() -> Path | None:
    """The file, if it is on this machine."""
    return find((find_paths(os.environ).cache, platform_cache()))


def bring() -> Path:
    """The file; downloaded, with its progress shown, unless it is there. Raises SetupError."""
    found = here()
    if found is not None:
        return found
    with progress(TITLE) as show:
        return fetch(find_paths(os.environ).cache, show)


def provide(app: App, model: str | None) -> str | None:
    """Brings the file if `model` leads to the embedded one; why that failed, or None."""
    if here() is not None or not _is_wanted(app, model):
        return None
    try:
        bring()
    except SetupError as error:
        return error.message
    return None


def _is_wanted(app: App, model: str | None) -> bool:
    # A neighbour may be the default: it is worth a knock before 90 MB are fetched.
    return _leads_inside(app.service.parts.router, model) and _leads_inside(asyncio.run(_survey(app)), model)


async def _survey(app: App) -> Router:
    transport = HttpTransport()
    try:
        return await survey(app, transport)
    finally:
        await transport.close()


def _leads_inside(router: Router, model: str | None) -> bool:
    try:
        plan = router.plan(model)
    except UnknownModelError:
        return False
    return plan.candidates[0].backend.name == router.snapshot.embedded

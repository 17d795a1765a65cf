"""The surroundings: an endpoint's backends, and the servers that listen on this machine right now."""

from msgspec import structs

from pointsman.app import App
from pointsman.config.discovery import neighbours
from pointsman.control.upkeep import Surveyor
from pointsman.dialects.registry import DIALECTS
from pointsman.routing.router import Router
from pointsman.upstream.transport import Transport


def surveyor(app: App, transport: Transport) -> Surveyor:
    """Asks an app's backends for their models, over a transport of the caller's."""
    parts = app.service.parts
    return Surveyor(lambda: parts.router, transport, parts.pool, parts.proxy_for, DIALECTS, parts.instance)


async def survey(app: App, transport: Transport) -> Router:
    """The router that the app would have once it has met its neighbours."""
    router = app.service.parts.router
    if not app.effective.settings.discover:
        return router
    snapshot = router.snapshot
    candidates = neighbours(app.catalog, snapshot.backends, ())
    found = await surveyor(app, transport).neighbours(candidates, app.catalog.kinds)
    inside = {name: each for name, each in snapshot.backends.items() if each.provider.engine}
    outside = {name: each for name, each in snapshot.backends.items() if name not in inside}
    beside = {name: backend for name, (backend, _) in found.items()}
    lists = {name: models for name, (_, models) in found.items()}
    return Router(
        structs.replace(
            snapshot, backends={**outside, **beside, **inside}, catalogs={**snapshot.catalogs, **lists}
        )
    )

"""The cheapest model of a backend: what a real request to it should cost least."""

import time

from pointsman.app import App
from pointsman.canon.errors import PointsmanError
from pointsman.canon.usage import Usage
from pointsman.cli.surroundings import surveyor
from pointsman.ledger.cost import Costs
from pointsman.ledger.price_list import listed
from pointsman.ledger.trace import Trace
from pointsman.routing.snapshot import Backend

SMALL = Usage(input=10, output=1)
"""About what a trial takes."""


async def cheapest_model(app: App, backend: Backend) -> str:
    """The name of the cheapest that it has; the first where no price is known. Raises PointsmanError."""
    names = await _names(app, backend)
    costs = Costs(app.effective.settings.prices, app.catalog.rows, listed)
    priced = {name: cost for name in names if (cost := costs.of(_trace(backend, name))) is not None}
    if priced:
        return min(priced, key=lambda name: priced[name])
    if not names:
        raise PointsmanError(f"{backend.name} lists no model; name its `models` in the configuration")
    return names[0]


async def _names(app: App, backend: Backend) -> tuple[str, ...]:
    if backend.models or not backend.provider.lists_models:
        return backend.models
    return tuple(each.id for each in await surveyor(app, app.service.parts.transport).models(backend.name))


def _trace(backend: Backend, model: str) -> Trace:
    trace = Trace("", "POST", "", time.time())
    trace.backend, trace.issuer, trace.model, trace.usage = backend.name, backend.provider.name, model, SMALL
    return trace

"""The description of an endpoint: what it serves and why, for the banner and the status page. No secrets."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from pointsman.canon.errors import PointsmanError, UnknownModelError
from pointsman.canon.json import Json
from pointsman.config.load import Effective
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend

KeyState = Callable[[Backend], str]
"""The source of a backend's key: a variable's name, `stored`, `none` or `missing`."""


def describe(
    router: Router,
    effective: Effective,
    key_state: KeyState,
    *,
    warnings: Iterable[str] = (),
    list_errors: Mapping[str, PointsmanError] = MappingProxyType({}),
) -> Json:
    """Backends, default model and configuration as plain data."""
    snapshot = router.snapshot
    return {
        "config": str(effective.path),
        "backends": [
            _backend(each, router, key_state(each), list_errors.get(each.name))
            for each in snapshot.backends.values()
        ],
        "default": _default(router),
        "model": snapshot.model,
        "aliases": snapshot.aliases,
        "warnings": [*effective.warnings, *_lost_model(router), *_lost_fallbacks(router), *warnings],
    }


def _lost_model(router: Router) -> Iterator[str]:
    """That the model which is to answer every request cannot be reached, as long as no backend lists it."""
    if router.snapshot.model and not _reached(router):
        yield f"no request can be answered until a backend lists that model: {router.advice(None)}"


def _lost_fallbacks(router: Router) -> Iterator[str]:
    for name in router.lost_fallbacks():
        yield f"`fallbacks` names {name}, which no backend has: it is passed over"


def _reached(router: Router) -> bool:
    try:
        return bool(router.plan(None).candidates)
    except UnknownModelError:
        return False


def _backend(backend: Backend, router: Router, key: str, list_error: PointsmanError | None) -> Json:
    return {
        "name": backend.name,
        "provider": backend.provider.name,
        "title": backend.provider.title,
        "why": backend.why,
        "dialects": list(backend.bases),
        "base_url": None if backend.provider.engine else next(iter(backend.bases.values()), None),
        "models": len(router.models(backend)),
        "key": key,
        "list_error": list_error.message if list_error is not None else None,
    }


def _default(router: Router) -> Json | None:
    """The model that answers requests which name none; under `--model`, which answers every request."""
    forced = router.snapshot.model
    if forced:
        return {"model": forced, "backend": "--model", "embedded": _leads_inside(router)}
    backend = router.default_backend()
    model = router.default_model(backend) if backend is not None else None
    if backend is None or model is None:
        return None
    return {"model": model, "backend": backend.name, "embedded": backend.provider.engine}


def _leads_inside(router: Router) -> bool:
    """Whether requests that name no model go to the one inside pointsman."""
    try:
        return router.plan(None).candidates[0].backend.provider.engine
    except UnknownModelError:
        return False

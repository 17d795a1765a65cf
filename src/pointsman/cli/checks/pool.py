"""The pool: where each account stands, and who would serve the next request for the usual names."""

from collections.abc import Iterator

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.cli.checks.finding import Finding, ok, warn
from pointsman.cli.checks.scene import Scene


def check(scene: Scene) -> Iterator[Finding]:
    """One line for each account, one for the default, one for each family that somebody serves."""
    if scene.app is None:
        return
    for backend in _page(scene, None)["backends"]:
        for account in backend["accounts"]:
            yield _account(backend["backend"], account)
    yield from _default(scene)
    for family in scene.app.service.parts.router.snapshot.families:
        served = _server(_next(scene, family))
        if served is not None:
            yield ok(f"next {family}", served)


def _page(scene: Scene, model: str | None) -> Json:
    """As the endpoint that runs tells it, else as the configuration has it."""
    assert scene.app is not None
    if scene.live is not None:
        try:
            return scene.live.accounts(model)
        except PointsmanError:
            pass  # its key is not set here
    return scene.app.accounts.page(model)


def _next(scene: Scene, model: str) -> list[Json]:
    try:
        told: list[Json] = _page(scene, model)["backends"]
    except PointsmanError:
        return []
    return told


def _account(backend: str, account: Json) -> Finding:
    what = f"account {backend}/{account['account']}"
    windows = ", ".join(f"{each['name']} {each['utilisation']:.0%} used" for each in account["windows"])
    words = "; ".join(filter(None, (account["why"] or account["status"], windows)))
    if account["status"] == "free":
        return ok(what, words)
    mend = f"`pointsman accounts add {backend}`" if account["status"] == "no key" else None
    return warn(what, words, mend or "`pointsman accounts list` says until when")


def _default(scene: Scene) -> Iterator[Finding]:
    assert scene.app is not None
    default = (scene.status or scene.app.describe())["default"]
    if default is None:
        mend = "`default` in the configuration, or `pointsman backend add`"
        yield warn("next default", "nobody serves requests that name no model", mend)
        return
    if default["embedded"]:
        yield ok("next default", f"{default['model']} inside pointsman")
        return
    served = _server(_next(scene, default["model"]))
    if served is None:
        yield warn("next default", f"nobody can serve {default['model']} now", "`pointsman accounts list`")
    else:
        yield ok("next default", served)


def _server(candidates: list[Json]) -> str | None:
    for each in candidates:
        for account in each["accounts"]:
            if account["next"]:
                return f"{each['backend']}:{each['model']} by account {account['account']}"
    return None

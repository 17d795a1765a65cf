"""Trials of accounts: for each, the cheapest real request with its credential alone."""

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager

from msgspec import structs

from pointsman.app import App
from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli.surroundings import survey
from pointsman.cli.trial import choose, verdict_of
from pointsman.gateway.parts import Parts
from pointsman.routing.attempts import Patience
from pointsman.routing.router import Router
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Account, Backend


def try_accounts(backend: str | None, alias: str | None, model: str | None) -> list[Json]:
    """What came of each. Raises SetupError where there is no such backend or account."""
    return asyncio.run(_try(App(os.environ), backend, alias, model))


async def _try(app: App, name: str | None, alias: str | None, model: str | None) -> list[Json]:
    parts = app.service.parts
    parts.patience = Patience(max_attempts=1)
    try:
        parts.router = await survey(app, parts.transport)
        backends = [choose(parts, name)] if name else _with_keys(parts)
        wanted = [
            (each, account) for each in backends for account in each.pool if alias in {None, account.alias}
        ]
        if not wanted:
            raise SetupError(
                f"there is no account {alias or ''} to test; `pointsman accounts list` shows them"
            )
        return [await _one(app, backend, account, model) for backend, account in wanted]
    finally:
        await parts.transport.close()


def _with_keys(parts: Parts) -> list[Backend]:
    return [each for each in parts.router.snapshot.backends.values() if not each.provider.engine]


async def _one(app: App, backend: Backend, account: Account, model: str | None) -> Json:
    """With this account alone in the backend's pool."""
    told = {"backend": backend.name, "account": account.alias}
    if backend.credential == "client":
        said = "its clients bring their own credential, so there is none to test with"
        return {**told, "account": CLIENT_ACCOUNT, "works": None, "said": said, "seconds": 0.0}
    with only(app.service.parts, backend, account) as alone:
        verdict = await verdict_of(app, alone, model)
    return {**told, "works": verdict.works, "said": verdict.words, "seconds": verdict.seconds}


@contextmanager
def only(parts: Parts, backend: Backend, account: Account) -> Generator[Backend]:
    """The backend with one account alone in its pool, as long as the block lasts."""
    alone = structs.replace(backend, accounts=(account,))
    before = parts.router
    backends = {**before.snapshot.backends, backend.name: alone}
    parts.router = Router(structs.replace(before.snapshot, backends=backends))
    parts.pool.follow(backends)
    try:
        yield alone
    finally:
        parts.router = before

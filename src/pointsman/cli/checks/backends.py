"""The backends: whether each answers, takes its key and has our time; what its accounts have left."""

import asyncio
import os
import time
from collections.abc import Iterator

from pointsman.app import App
from pointsman.canon.errors import PointsmanError
from pointsman.cli.account_trial import alone
from pointsman.cli.checks.finding import Finding
from pointsman.cli.surroundings import survey, surveyor
from pointsman.cli.trial import verdict_of, write_token
from pointsman.ledger.billing import bucket_of
from pointsman.ledger.trace import Trace
from pointsman.routing.attempts import Patience
from pointsman.routing.snapshot import Account, Backend
from pointsman.upstream.transport import Incoming, Outgoing, Transport
from pointsman.wire.headers import first, http_date

WITHIN = 20.0
"""Seconds that one backend, or account, gets."""
SKEW = 30.0
"""Seconds by which clocks may differ."""


def reachable(*, probe: bool) -> list[Finding]:
    """Each backend, asked for its models, or for one token. Raises SetupError."""
    return asyncio.run(_all(App(os.environ), probe=probe))


def used() -> list[Finding]:
    """Each account, asked for one token: what it tells of its limits. Raises SetupError."""
    return asyncio.run(_accounts(App(os.environ)))


class _Clocks:
    """A transport that hears how late it is elsewhere."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.ahead: dict[str, float] = {}
        """By the beginning of a URL, seconds."""
        self.close = transport.close

    async def send(self, outgoing: Outgoing) -> Incoming:
        """The answer, whose date is noted."""
        incoming = await self._transport.send(outgoing)
        told = http_date(first(incoming.headers, "date") or "")
        if told is not None:
            self.ahead["/".join(outgoing.url.split("/")[:3])] = told - time.time()
        return incoming


async def _all(app: App, *, probe: bool) -> list[Finding]:
    parts = app.service.parts
    parts.patience = Patience(max_attempts=1)
    clocks = _Clocks(parts.transport)
    parts.transport = clocks
    try:
        parts.router = await survey(app, parts.transport)
        backends = [
            each for each in parts.router.snapshot.backends.values() if probe or not each.provider.engine
        ]
        found = await asyncio.gather(*(_one(app, each, probe=probe) for each in backends))
    finally:
        await parts.transport.close()
    return [*found, *_skewed(clocks.ahead)]


async def _one(app: App, backend: Backend, *, probe: bool) -> Finding:
    about, mend = f"backend {backend.name}", f"`pointsman backend test {backend.name}`"
    if backend.credential == "client":
        return Finding("ok", about, "its clients bring their own credential")
    model = await _cheapest(app, backend) if probe else None
    try:
        async with asyncio.timeout(WITHIN):
            verdict = await verdict_of(app, backend, model)
    except TimeoutError:
        return Finding("fail", about, f"says nothing within {WITHIN:g} s", mend)
    said = f"{verdict.words}, in {verdict.seconds:.2f} s"
    return Finding("ok" if verdict.works else "fail", about, said, "" if verdict.works else mend)


async def _cheapest(app: App, backend: Backend) -> str | None:
    """A model whose name says that it is small, else any; None where none is known or listed."""
    parts = app.service.parts
    names = [*backend.models, *(model.id for model in parts.router.models(backend))]
    if not names and backend.provider.lists_models:
        try:
            names = [model.id for model in await surveyor(app, parts.transport).models(backend.name)]
        except PointsmanError:
            return None  # the request without a model says why
    small = [name for name in names if any(word in name.lower() for word in _SMALL)]
    return next(iter([*small, *names]), None)


_SMALL = ("haiku", "flash-lite", "flash", "nano", "mini", "small", "lite")


def _skewed(ahead: dict[str, float]) -> Iterator[Finding]:
    wrong = {host: seconds for host, seconds in ahead.items() if abs(seconds) > SKEW}
    for host, seconds in wrong.items():
        said = (
            f"{host} says that it is {abs(seconds):.0f} s {'later' if seconds > 0 else 'earlier'} than here"
        )
        yield Finding("warn", "clock", said, "set this machine's clock: `timedatectl set-ntp true`")
    if ahead and not wrong:
        yield Finding("ok", "clock", f"agrees with {len(ahead)} servers within {SKEW:g} s")


async def _accounts(app: App) -> list[Finding]:
    parts = app.service.parts
    parts.patience = Patience(max_attempts=1)
    found: list[Finding] = []
    try:
        parts.router = await survey(app, parts.transport)
        for backend in parts.router.snapshot.backends.values():
            if not backend.provider.engine and backend.credential != "client":
                found += [await _account(app, backend, account) for account in backend.pool]
    finally:
        await parts.transport.close()
    return found


async def _account(app: App, backend: Backend, account: Account) -> Finding:
    parts = app.service.parts
    about = f"account {backend.name}/{account.alias}"
    mend = f"`pointsman accounts test {backend.name} {account.alias}`"
    model = await _cheapest(app, backend)
    if model is None:
        return Finding(
            "warn", about, "no model of it is known to ask", f"list its `models`, or {mend} -m MODEL"
        )
    try:
        with alone(parts, backend, account) as only:
            async with asyncio.timeout(WITHIN):
                trace = await write_token(parts, only, model)
    except TimeoutError:
        return Finding("fail", about, f"says nothing within {WITHIN:g} s", mend)
    except PointsmanError as error:
        return Finding("fail", about, error.message, mend)
    return _limits(about, trace, backend)


def _limits(about: str, trace: Trace, backend: Backend) -> Finding:
    bucket = bucket_of(trace, backend.provider)
    windows = {window.name: round(window.utilisation, 4) for window in trace.windows}
    told = ", ".join(f"{name} {used:.0%} used" for name, used in windows.items()) or "tells of no limits"
    claim = "" if trace.claim is None else f", counted against {trace.claim}"
    facts = {"windows": windows, "claim": trace.claim, "bucket": bucket}
    return Finding("ok", about, f"{told}{claim}; billed to {bucket}", facts=facts)

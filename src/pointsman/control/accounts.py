"""The accounts as an admin page and commands show them: where each stands, and why. No secrets."""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from pathlib import Path

from msgspec import structs

from pointsman.accounts.credentials import Credentials
from pointsman.accounts.lease import auth_scheme, brings_own_credential, needs_key
from pointsman.accounts.oauth.session import whose
from pointsman.accounts.pool import Pool
from pointsman.canon.errors import PointsmanError, UnknownModelError
from pointsman.canon.json import Json
from pointsman.routing.explain import plan_of
from pointsman.routing.plan import Candidate
from pointsman.routing.preview import STATES, Seen, preview
from pointsman.routing.router import Router
from pointsman.routing.snapshot import CLIENT_ACCOUNT, DEFAULT_ACCOUNT, Account, Backend
from pointsman.routing.standing import Standing
from pointsman.routing.window import Window

KeyState = Callable[[Backend, Account], str]
"""The source of an account's key: a variable's name, `stored`, `none` or `missing`."""
NO_KEY = {
    "missing": "it has no key",
    "unreadable": "its key cannot be read",
    "nobody": "nobody is signed in",
    "ended": "the sign-in has ended; sign in again",
}
"""What such a source means for the next request."""
BRINGS = "requests bring their own credential, and are relayed"


class AccountsView:
    """What an endpoint tells of its accounts; `router` gives the one in force, `data` holds sign-ins."""

    def __init__(
        self, pool: Pool, credentials: Credentials, router: Callable[[], Router], data: Path
    ) -> None:
        self._pool = pool
        self._data = data
        self._credentials = credentials
        self._router = router

    def page(self, model: str | None) -> Json:
        """Every backend's pool; with a model, those that it leads to. Raises UnknownModelError."""
        waiting = len(self._pool.queue)
        if model is not None:
            candidates = plan_of(self._router(), model).candidates
            return {"model": model, "backends": self._next(candidates), "waiting": waiting}
        snapshot, bound = self._router().snapshot, self._pool.bindings.counts()
        backends = (*snapshot.backends.values(), *snapshot.guests.values())
        told = [_backend(self._pool, each, self._key, bound) for each in backends if not each.provider.engine]
        return {"backends": told, "waiting": waiting}

    def next_of(self, model: str) -> list[Json]:
        """Who would serve a model's next request; nothing where nobody would."""
        try:
            return self._next(plan_of(self._router(), model).candidates)
        except UnknownModelError:
            return []

    def _next(self, candidates: Iterable[Candidate]) -> list[Json]:
        """For each candidate: who of its accounts would serve the next request, and why not the others."""
        found: list[Json] = []
        before: Candidate | None = None
        for each in candidates:
            seen = tuple(self._seen(each))
            if before is not None:
                why = f"only where {before.backend.name} cannot"
                seen = tuple(structs.replace(one, serves=False, why=one.why or why) for one in seen)
            elif any(one.serves and one.state == "free" for one in seen):
                before = each
            found.append(
                {
                    "backend": each.backend.name,
                    "model": each.model,
                    "rule": each.rule,
                    "why": each.why,
                    "accounts": [seen_as_json(one, self._pool.clock()) for one in seen],
                }
            )
        return found

    def _seen(self, candidate: Candidate) -> Iterator[Seen]:
        backend, now = candidate.backend, self._pool.clock()
        if backend.credential == "client":
            standing = self._pool.guest(backend.name) or Standing(Account(CLIENT_ACCOUNT))
            left = standing.headroom(candidate.model, now)
            yield Seen(CLIENT_ACCOUNT, "free", BRINGS, None, left, serves=True)
            return
        roster = self._pool.roster(backend)
        for seen in preview(roster, candidate.model, now):
            key = self._key(backend, roster.standings[seen.alias].account)
            yield lacking(seen, key) if seen.state == "free" else seen

    def key_state(self, backend: Backend) -> str:
        """The source of a backend's first key."""
        return self._key(backend, backend.pool[0])

    def _key(self, backend: Backend, account: Account) -> str:
        schemes = {auth_scheme(backend, dialect) for dialect in backend.bases}
        if schemes == {"none"} or brings_own_credential(backend):
            return "none"
        try:
            source = self._credentials.source(backend, account)
            if source is not None:
                return source
            if backend.provider.sign_in is not None and account.alias == DEFAULT_ACCOUNT:
                return whose(backend.provider, self._data)
        except PointsmanError:
            return "unreadable"
        return "missing" if needs_key(backend) else "none"


def _backend(pool: Pool, backend: Backend, key_state: KeyState, bound: dict[tuple[str, str], int]) -> Json:
    now, roster = pool.clock(), pool.roster(backend)
    breaker = roster.breaker
    told: list[Json] = []
    for seen in preview(roster, "", now) if backend.credential != "client" else ():
        standing = roster.standings[seen.alias]
        key = key_state(backend, standing.account)
        told.append({**_overall(seen, standing, key, now), "key": key, **_facts(standing, now)})
    guest = pool.guest(backend.name)
    if backend.credential == "client" or guest is not None:
        standing = guest or Standing(Account(CLIENT_ACCOUNT))
        state = _overall(Seen(CLIENT_ACCOUNT, "free"), standing, "", now)
        told.append({**state, "key": "the client's own", **_facts(standing, now)})
    accounts = [{**each, "bound": bound.get((backend.name, each["account"]), 0)} for each in told]
    return {
        "backend": backend.name,
        "strategy": backend.strategy,
        "in_flight": roster.in_flight,
        "failing_until": breaker.until if breaker.is_open(now) else None,
        "failures": breaker.failures,
        "accounts": accounts,
    }


def _overall(seen: Seen, standing: Standing, key: str, now: float) -> Json:
    """An account without regard to a model: what hinders any of them, and the least that is left."""
    live = [window for window in standing.windows if window.resets is None or window.resets > now]
    headroom = max(0.0, 1.0 - max((window.utilisation for window in live), default=0.0))
    seen = structs.replace(seen, why=seen.why if seen.state != "free" else "", headroom=headroom)
    blocks = [(block.until, model) for model, block in standing.blocks.items() if block.until > now]
    if seen.state == "free" and key in NO_KEY:
        seen = lacking(seen, key)
    elif seen.state == "free" and blocks:
        until, model = min(blocks)
        why = f"{model}: {standing.blocks[model].why}"
        state = STATES[standing.blocks[model].kind]
        seen = structs.replace(seen, state=state, why=why, until=None if until == inf else until)
    return _state(seen, now)


def lacking(seen: Seen, key: str) -> Seen:
    """The same for an account whose key is not there."""
    return seen if key not in NO_KEY else structs.replace(seen, state="no key", why=NO_KEY[key], serves=False)


def seen_as_json(seen: Seen, now: float) -> Json:
    """An account as the next request finds it."""
    return {**_state(seen, now), "next": seen.serves}


def _state(seen: Seen, now: float) -> Json:
    return {
        "account": seen.alias,
        "status": seen.state,
        "why": seen.why,
        "until": seen.until,
        "seconds_left": None if seen.until is None else round(max(0.0, seen.until - now), 1),
        "headroom": round(seen.headroom, 4),
    }


def _facts(standing: Standing, now: float) -> Json:
    return {
        "windows": [_window(each) for each in standing.windows if each.resets is None or each.resets > now],
        "claim": standing.claim,
        "limit_status": standing.status,
        "overage": standing.overage,
        "in_flight": standing.in_flight,
        "latency": None if standing.latency is None else round(standing.latency, 3),
        "cooling": {
            model: {"until": block.until if block.until != float("inf") else None, "why": block.why}
            for model, block in standing.blocks.items()
            if block.until > now
        },
    }


def _window(window: Window) -> Json:
    return {
        "name": window.name,
        "utilisation": round(window.utilisation, 4),
        "resets": window.resets,
        "limit": window.limit,
        "remaining": window.remaining,
        "models": list(window.models),
        "status": window.status,
    }

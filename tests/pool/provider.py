"""A scripted provider that enforces what real ones do: limits, keys, beta flags, and whose state is whose.

It knows no network and no clock of its own: `come` judges a request that has arrived, and the visit that it
gives back is ended by whoever carries the answer. `transport.py` does so in the test's own process,
`test_over_sockets.py` over loopback.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Literal

from .limits import Headers, Retry, Style, Window, plain, retry_fields, untold
from .tongues import Anthropic, Said, Tongue, encode

CACHE_SECONDS = 300.0
"""How long a prompt's cache lasts after its last use."""
BYTES_A_TOKEN = 4
SLACK = 3.0
"""Seconds after a reset: what is told of it is rounded, and requests then come one after the other."""
AFTER = 80.0
"""Seconds after a failure within which an account may still be left alone: the longest that a breaker
is open."""
Trouble = Literal["overloaded", "failing", "down", "first frame"]
"""529 (or 503); 500; no connection; a 200 whose first frame is an overload."""
End = Literal[
    "served", "limited", "overloaded", "failing", "down", "first frame", "refused", "invalid", "left"
]


@dataclass(frozen=True)
class Phase:
    """A time in which a provider, or some of its accounts, fails. Seconds since the epoch."""

    trouble: Trouble
    begins: float
    ends: float
    accounts: frozenset[str] = frozenset()
    """Empty: all of them."""
    chance: float = 1.0
    retry_after: str | None = None

    def strikes(self, account: str, now: float, random: Random) -> bool:
        """Whether a request meets it."""
        now_is = self.concerns(account) and self.begins <= now < self.ends
        return now_is and random.random() < self.chance

    def concerns(self, account: str) -> bool:
        """Whether it is one of those that fail."""
        return not self.accounts or account in self.accounts


@dataclass
class Account:
    """One key, its limits, and the caches that it has filled."""

    alias: str
    windows: Sequence[Window] = ()
    style: Style = plain
    retry: Retry = "seconds"
    revoked: bool = False
    betas_refused: frozenset[str] = frozenset()
    in_flight: int = 0
    cached: dict[bytes, float] = field(default_factory=dict)
    """Digests of prefixes, until when."""

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"sk-{self.alias}-0123456789"

    def has_room(self, now: float) -> bool:
        """Whether it would serve a request now, and would have a little earlier: what is told is rounded."""
        full = [window for window in self.windows if not window.has_room(now) or now < window.opened + SLACK]
        return not self.revoked and not full


@dataclass(frozen=True)
class Arrival:
    """One request as the provider met it."""

    tag: str
    account: str
    at: float
    end: End
    prompt: int = 0
    """Tokens."""
    read: int = 0
    """Those of them that a cache had."""


@dataclass
class Visit:
    """One request's stay: what it is answered, and what is still to be counted at its end."""

    provider: "Provider"
    account: Account | None
    status: int
    headers: Headers
    pieces: Sequence[bytes]
    """Of the body; the first comes with the head, the others one by one."""
    trouble: Trouble | None = None
    said: Said | None = None
    over: bool = False

    def head(self, now: float) -> Headers:
        """The header fields as they leave: what is left of the limits is told then."""
        account = self.account
        if self.said is None or account is None or not account.windows:
            return self.headers
        return (*self.headers, *account.style(account.windows, now))

    def leave(self, now: float) -> None:
        """The answer is out, or nobody reads it any longer."""
        if self.over or self.account is None:
            return
        self.over = True
        self.account.in_flight -= 1
        if self.said is not None:
            _spend(self.account, "output_tokens", self.said.output, now)


class Provider:
    """All accounts of one. Times are seconds since the epoch."""

    def __init__(
        self,
        accounts: Iterable[Account],
        tongue: Tongue | None = None,
        phases: Sequence[Phase] = (),
        seed: int = 0,
    ) -> None:
        self.tongue: Tongue = tongue or Anthropic()
        self.accounts = {each.alias: each for each in accounts}
        self.phases = list(phases)
        self.arrivals: list[Arrival] = []
        self.poison = b"\0"
        """What makes a request be refused with 429 everywhere, whoever asks."""
        self.made_by: dict[str, str] = {}
        """Whose opaque state is whose."""
        self.strayed: list[str] = []
        """State that was sent to another account than the one that made it."""
        self._by_key = {each.key: each for each in self.accounts.values()}
        self._random = Random(seed)
        self._number = 0

    def has_room(self, now: float) -> bool:
        """Whether any account would serve a request now, and has not failed lately."""
        return any(each.has_room(now) and not self._ails(each.alias, now) for each in self.accounts.values())

    def _ails(self, account: str, now: float) -> bool:
        return any(each.concerns(account) and each.begins <= now < each.ends + AFTER for each in self.phases)

    def served(self) -> list[Arrival]:
        """The requests that were answered."""
        return [each for each in self.arrivals if each.end == "served"]

    def filled(self) -> int:
        """How often a window was used up."""
        return sum(window.filled for account in self.accounts.values() for window in account.windows)

    def excesses(self) -> list[tuple[str, int, int, float]]:
        """(account, requests beyond a limit, how many were under way at once, the window's seconds) of each
        full window."""
        found: list[tuple[str, int, int, float]] = []
        for account in self.accounts.values():
            for window in account.windows:
                window.end()
                window.refused = 0
                found += [(account.alias, *each, window.seconds) for each in window.excess]
        return found

    def set_out(self, headers: dict[str, str]) -> Account | None:
        """A request is on its way: whom it is for. It counts as under way from here on."""
        account = self._by_key.get(self.tongue.key(headers))
        if account is not None:
            account.in_flight += 1
        return account

    def come(self, account: Account | None, headers: dict[str, str], body: bytes, now: float) -> Visit:
        """A request has arrived."""
        tag = headers.get("x-tag", "")
        if account is None or account.revoked:
            self._note(tag, "" if account is None else account.alias, now, "refused")
            return self._refusal(account, 401, "authentication_error", "invalid x-api-key")
        for window in account.windows:
            window.turn(now)
            window.peak = max(window.peak, account.in_flight)
        return self._meet(account, tag, headers, body, now)

    def _meet(self, account: Account, tag: str, headers: dict[str, str], body: bytes, now: float) -> Visit:
        phase = next((each for each in self.phases if each.strikes(account.alias, now, self._random)), None)
        if phase is not None and phase.trouble != "first frame":
            self._note(tag, account.alias, now, phase.trouble)
            return self._troubled(account, phase)
        refused = [beta for beta in _betas(headers) if beta in account.betas_refused]
        if refused:
            self._note(tag, account.alias, now, "invalid")
            told = f"Unexpected value(s) `{'`, `'.join(refused)}` for the `anthropic-beta` header."
            return self._refusal(account, 400, "invalid_request_error", told)
        if self.poison in body:
            self._note(tag, account.alias, now, "limited")
            return self._refusal(account, 429, "rate_limit_error", "Error")
        full = [each for each in account.windows if not each.has_room(now)]
        if full:
            return self._limited(account, tag, full, now)
        if phase is not None:
            self._note(tag, account.alias, now, phase.trouble)
            stream = (("content-type", "text/event-stream"),)
            return Visit(self, account, 200, stream, (self.tongue.overload(),), phase.trouble)
        return self._serve(account, tag, body, now)

    def _troubled(self, account: Account, phase: Phase) -> Visit:
        later = () if phase.retry_after is None else (("retry-after", phase.retry_after),)
        if phase.trouble == "overloaded":
            return self._refusal(account, 529, "overloaded_error", "Overloaded", later)
        found = self._refusal(account, 500, "api_error", "Internal server error", later)
        found.trouble = phase.trouble
        return found

    def _limited(self, account: Account, tag: str, full: Sequence[Window], now: float) -> Visit:
        for window in full:
            window.refused += 1
        self._note(tag, account.alias, now, "limited")
        after = max(window.reset(now) for window in full) - now
        told = (*account.style(account.windows, now), *retry_fields(account.retry, after, now))
        words = f"This request would exceed your account's limit of {full[0].unit}"
        return self._refusal(account, 429, "rate_limit_error", words, told)

    def _serve(self, account: Account, tag: str, body: bytes, now: float) -> Visit:
        request = self.tongue.read(json.loads(body))
        strayed = [each for each in request.opaque if self.made_by.get(each) != account.alias]
        if strayed:
            self.strayed += strayed
            self._note(tag, account.alias, now, "invalid")
            words = "messages.1.content.0: Invalid `signature` in `thinking` block"
            return self._refusal(account, 400, "invalid_request_error", words)
        prompt, read = self._remember(account, request.prefix, now)
        self._number += 1
        said = self._say(account, request.model, prompt - read, read)
        _spend(account, "requests", 1, now)
        # What is read from the cache does not count, as with Anthropic's current models.
        _spend(account, "input_tokens", said.fresh, now)
        self._note(tag, account.alias, now, "served", prompt, read)
        head = (("content-type", "text/event-stream"), ("request-id", f"req_{self._number}"))
        return Visit(self, account, 200, head, self.tongue.frames(said), said=said)

    def _remember(self, account: Account, prefix: Sequence[bytes], now: float) -> tuple[int, int]:
        """Tokens of a prompt, and those that the account's cache has; all of it is cached then."""
        digest, size, read = blake2b(digest_size=16), 0, 0
        for piece in prefix:
            digest.update(piece)
            size += len(piece)
            key = digest.digest()
            if account.cached.get(key, 0.0) >= now:
                read = size
            account.cached[key] = now + CACHE_SECONDS
        return size // BYTES_A_TOKEN, read // BYTES_A_TOKEN

    def _say(self, account: Account, model: str, fresh: int, read: int) -> Said:
        number, random = self._number, self._random
        opaque = blake2b(f"{account.alias} {number}".encode(), digest_size=24).hexdigest()
        self.made_by[opaque] = account.alias
        call = f"call_{number}" if random.random() < 0.6 else None
        return Said(
            number,
            model,
            opaque,
            "It goes on. " * random.randint(1, 8),
            call,
            fresh,
            read,
            random.randint(50, 400),
        )

    def _refusal(
        self, account: Account | None, status: int, kind: str, message: str, told: Headers = ()
    ) -> Visit:
        body = encode(self.tongue.error(kind, message))
        return Visit(self, account, status, (("content-type", "application/json"), *told), (body,))

    def _note(self, tag: str, account: str, now: float, end: End, prompt: int = 0, read: int = 0) -> None:
        self.arrivals.append(Arrival(tag, account, now, end, prompt, read))


def _spend(account: Account, unit: str, amount: float, now: float) -> None:
    for window in account.windows:
        if window.unit == unit or (window.unit == "tokens" and unit != "requests"):
            window.spend(amount, now)


def _betas(headers: dict[str, str]) -> list[str]:
    return [each.strip() for each in headers.get("anthropic-beta", "").split(",") if each.strip()]


def unlimited(alias: str = "only") -> Account:
    """An account that never ends."""
    return Account(alias, (), untold)

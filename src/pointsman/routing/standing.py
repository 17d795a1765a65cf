"""An account's standing: what is known of it now, and what hinders its next use.

`accounts/` keeps and changes it; here it is only read. Times are seconds since the epoch.
"""

from fnmatch import fnmatchcase
from math import inf
from typing import Literal

from msgspec import Struct, field

from pointsman.routing.allowance import Allowance
from pointsman.routing.breaker import Breaker
from pointsman.routing.snapshot import Account
from pointsman.routing.window import Window

OVERAGE = "overage"
"""The claim of an answer that is paid beside the plan."""
EVERY = "*"
"""Stands for all models among blocks."""
PROBE_EVERY = 30.0
"""Seconds after which a refused key may be tried again, where there is no other account."""
LIMIT_PROBE_EVERY = 900.0
"""The same for a limit whose reset is further away: providers lift limits before the time that they named."""

Hindrance = Literal["limit", "failing", "refused", "missing", "ours"]
"""`limit`: the provider's; `failing`: its breaker is open; `refused`: its key was; `missing`: it has no key;
`ours`: the user's own bounds, which pass by themselves."""


class Wait(Struct, frozen=True):
    """Not now."""

    until: float
    """`inf` where no time is known."""
    why: str
    kind: Hindrance


class Block(Struct, frozen=True):
    """Why a model, or every one, is not asked for with this account."""

    until: float
    """`inf`: until its key changes."""
    why: str
    kind: Literal["limit", "failing", "refused"] = "limit"
    since: float = 0.0
    repeats: int = 0
    """How often in a row no time was given."""
    key: str | None = None
    """The fingerprint of the key that was refused."""
    guessed: bool = False
    """Whether the time is ours."""


class Standing(Struct):
    """One account's. `in_flight` and what the provider reported are facts, the rest follows from failures."""

    account: Account = Account()
    in_flight: int = 0
    unheard: set[int] = field(default_factory=set[int])
    """The leases among them whose answer has not begun: what was told of the windows may not count them."""
    windows: tuple[Window, ...] = ()
    status: str | None = None
    """The provider's word on its windows."""
    claim: str | None = None
    overage: str | None = None
    reported: float | None = None
    """When the windows were told."""
    blocks: dict[str, Block] = field(default_factory=dict[str, Block])
    """By model, or `EVERY`."""
    breaker: Breaker = field(default_factory=Breaker)
    requests: Allowance | None = None
    """The user's budget of requests."""
    tokens: Allowance | None = None
    paced: float = 0.0
    """No request starts before."""
    gap: float = 0.0
    """Seconds between two requests since its limit was reached: whoever waited must not come all at once."""
    served: float = 0.0
    """Requests so far, by weight."""
    turn: int = 0
    """The number of its latest use, over the whole pool."""
    latency: float | None = None
    """Seconds to the first byte, averaged."""
    missing: str = ""
    """Why it has no key."""
    refused_betas: dict[str, float] = field(default_factory=dict[str, float])
    """The beta flags that it was refused, and when."""
    owner: str | None = None
    """Whose limits these are: a digest of the key, or a person. None until it was used."""

    def forget(self, owner: str) -> None:
        """Another's key, or another person: what was known of the limits is not theirs."""
        self.owner = owner
        self.windows, self.blocks, self.refused_betas = (), {}, {}
        self.status = self.claim = self.overage = self.reported = self.latency = None
        self.breaker, self.gap, self.paced = Breaker(), 0.0, 0.0

    def headroom(self, model: str, now: float) -> float:
        """What is left, from 0 to 1: 1 minus the highest utilisation among the windows of this model."""
        highest, paid = 0.0, self.pays_extra
        for window in self.windows:
            counts = window.apart if paid else governs(window, model)
            if window.utilisation > highest and counts and _holds(window, now):
                highest = window.utilisation
        return max(0.0, 1.0 - highest)

    @property
    def pays_extra(self) -> bool:
        """Whether the provider serves on what is paid beside the plan."""
        return self.claim == OVERAGE and self.status is not None and self.status.startswith("allowed")

    def free(self, model: str, now: float) -> float:
        """The same after what is under way already, so that requests which come at once spread."""
        room = self.headroom(model, now)
        if self.pays_extra:
            room -= 1.0  # after everybody whose plan still has room
        return room - self.in_flight * self._share(model, now) if self.in_flight else room

    def _share(self, model: str, now: float) -> float:
        """What one request takes of it; where nothing tells, a hundredth."""
        limits = [
            window.limit
            for window in self.windows
            if window.name.startswith("requests")
            and window.limit
            and _holds(window, now)
            and governs(window, model)
        ]
        return 1.0 / min(limits) if limits else 0.01

    def hindrance(self, model: str, now: float) -> Wait | None:
        """What keeps the account from serving a model now; None if nothing does."""
        if self.missing:
            return Wait(inf, self.missing, "missing")
        block = self.block(model, now)
        if block is not None:
            return Wait(block.until, block.why, block.kind)
        if self.breaker.until > now:
            return Wait(self.breaker.until, f"it failed: {self.breaker.why}", "failing")
        if self.windows:
            full = self._used_up(model, now)
            if full is not None:
                return full
        return self._bounds(now)

    def block(self, model: str, now: float) -> Block | None:
        """What blocks the model, the longest first."""
        if not self.blocks:
            return None
        found = [self.blocks[name] for name in (EVERY, model) if name in self.blocks]
        return max((block for block in found if block.until > now), key=_end, default=None)

    def _used_up(self, model: str, now: float) -> Wait | None:
        """A window with nothing left. Where the provider itself says that it serves on, its word counts."""
        serves = self.status is not None and self.status.startswith("allowed")
        told = [
            window
            for window in self.windows
            if governs(window, model) and (not serves or (window.status is not None and window.models))
        ]
        full = [
            (window.resets, window.name)
            for window in told
            if window.is_full and window.resets and _holds(window, now)
        ]
        if full:
            until, name = max(full)
            return Wait(until, f"its window {name} is used up", "limit")
        taken = next((window.name for window in told if _is_taken(window, len(self.unheard), now)), None)
        if taken is not None:
            return Wait(inf, f"as many requests as its window {taken} takes are on their way", "ours")
        return None

    def reopens(self, now: float) -> bool:
        """Whether a window that was used up has begun anew, and nobody has told of it since."""
        return any(_was_used_up(window) and not _holds(window, now) for window in self.windows)

    def _bounds(self, now: float) -> Wait | None:
        """The user's own."""
        most = self.account.max_in_flight
        if most is not None and self.in_flight >= most:
            return Wait(inf, f"{most} of its requests are under way", "ours")
        if self.paced > now:
            why = (
                "its limit has just opened, so requests go one by one"
                if self.gap
                else "its requests are paced"
            )
            return Wait(self.paced, why, "ours")
        for allowance in (self.requests, self.tokens):
            if allowance is not None and (opens := allowance.opens(1.0, now)) > now:
                return Wait(opens, "its budget for this minute is spent", "ours")
        return None

    def may_probe(self, model: str, kind: Hindrance, now: float) -> bool:
        """Whether a refused key, or a limit that was reached, is due for another try."""
        hindrance = self.hindrance(model, now)
        if hindrance is None or hindrance.kind != kind or self.in_flight:
            return False
        block = self.block(model, now)
        told = (None if block is None else block.since, self.reported if self.windows else None)
        since = max((each for each in told if each is not None), default=now)
        return now >= since + (LIMIT_PROBE_EVERY if kind == "limit" else PROBE_EVERY)


def under(earlier: Standing | None, account: Account) -> Standing:
    """An account's standing under a new configuration."""
    standing = earlier or Standing(account)
    standing.account = account
    standing.requests = _allowance(account.requests_per_minute, standing.requests)
    standing.tokens = _allowance(account.tokens_per_minute, standing.tokens)
    return standing


def _allowance(rate: float | None, earlier: Allowance | None) -> Allowance | None:
    if rate is None:
        return None
    return earlier if earlier is not None and earlier.rate == rate else Allowance(rate)


def governs(window: Window, model: str) -> bool:
    """Whether a window counts the requests for a model."""
    if window.apart:
        return False
    if not window.models:
        return True
    name = model.lower()
    return any(fnmatchcase(name, pattern) for pattern in window.models)


def _holds(window: Window, now: float) -> bool:
    """Whether it has not begun anew since it was told."""
    return window.resets is None or window.resets > now


def _is_taken(window: Window, unheard: int, now: float) -> bool:
    """Whether requests that nobody has heard of yet take all that is left; they may not be counted in it."""
    if not unheard or not window.name.startswith("requests"):
        return False
    if window.resets is not None and window.resets <= now:
        return window.limit is not None and unheard >= window.limit
    return window.remaining is not None and window.remaining - unheard <= 0


def _was_used_up(window: Window) -> bool:
    return window.resets is not None and (window.utilisation >= 1.0 or window.remaining == 0)


def _end(block: Block) -> float:
    return block.until

"""The pool: every backend's accounts, who uses which, and what became of it. The only state of the policy.

An account is chosen and reserved in one step, with nothing awaited between; the choice itself is
`routing.roster.select`. Every backend has a pool; one key is a pool of one.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from math import inf

from msgspec import Struct, structs

from pointsman.accounts.bindings import Bindings
from pointsman.accounts.brought import Brought
from pointsman.accounts.holder import Holder, owner_of
from pointsman.accounts.lease import Lease
from pointsman.accounts.makers import Makers
from pointsman.accounts.nobody import no_account, nothing_brought
from pointsman.accounts.queue import FairQueue, Later, Place, loop_later
from pointsman.accounts.sessions import Sessions
from pointsman.accounts.verdict import GAP, Failure, Verdict
from pointsman.canon.errors import NoCredentialError
from pointsman.routing.attempts import Outcome
from pointsman.routing.roster import Need, Roster, select
from pointsman.routing.selectors import SELECTORS
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Account, Backend
from pointsman.routing.standing import Standing, Wait, under
from pointsman.routing.window import Reported

REFUSED = frozenset({401, 403})
"""Statuses that are about the credential itself."""


LOYAL = 1.0
"""Seconds that a conversation waits for its busy account before it goes on with another one."""
BRIEF = 1.0
"""Seconds that are waited in any case for what is known to pass then."""


class Pacing(Struct, frozen=True):
    """How requests with one account are kept apart, in seconds."""

    least: float = 0.0
    jitter: float = 0.0
    """Up to as much comes on top, at random."""


class Ask(Struct, frozen=True):
    """What one attempt wants of the pool."""

    backend: Backend
    dialect: str
    model: str
    conversation: bytes = b""
    """Which one it is; empty for none."""
    tried: frozenset[str] = frozenset()
    again: str | None = None
    """The account to be used once more, whatever its standing."""
    only: str | None = None
    """The account without which it cannot be served."""
    brought: Brought | None = None
    """The client's own credential, where the backend may get it."""
    made_by: str | None = None
    """The issuer of the latest opaque state in it that is known."""
    patience: float = inf
    """Seconds in which it waits for what passes by itself, before others are asked."""


class Whose(Struct, frozen=True):
    """Which account, asked for which model."""

    backend: Backend
    account: str
    model: str
    lease: int = 0
    """Its number; 0 where there is none."""

    @property
    def key(self) -> tuple[str, str]:
        """(backend, account)."""
        return self.backend.name, self.account


class Pool:
    """All backends'. Times are seconds since the epoch."""

    def __init__(
        self,
        holder: Holder,
        clock: Callable[[], float],
        random: Callable[[], float],
        later: Later = loop_later,
    ) -> None:
        """`random` gives numbers from 0 to 1."""
        self.holder = holder
        self.clock = clock
        self.pacing = Pacing()
        self.bindings = Bindings(clock)
        self.makers = Makers()
        self.sessions = Sessions(clock)
        self.queue = FairQueue(clock, later)
        self._random = random
        self._verdict = Verdict(clock, random)
        self._rosters: dict[str, Roster] = {}
        self._made_for: dict[str, Backend] = {}
        self._current: dict[str, Backend] = {}
        self._followed: dict[str, Roster] = {}
        """The rosters of the backends in force that were asked for."""
        self._turn = 0
        self._guests: dict[str, Standing] = {}
        self._recalled: dict[tuple[str, str], Standing] = {}
        self.changed: set[tuple[str, str]] = set()
        """(backend, account) of what is not saved yet."""

    def roster(self, backend: Backend) -> Roster:
        """A backend's accounts as they stand; what is known of them outlives a changed configuration."""
        return self._followed.get(backend.name) or self._roster(backend)

    def _roster(self, backend: Backend) -> Roster:
        # A request that is under way may hold the backend as it was before.
        backend = self._current.get(backend.name, backend)
        roster = self._rosters.get(backend.name)
        if roster is None or self._made_for.get(backend.name) is not backend:
            roster = self._made(backend, roster)
        if backend.name in self._current:
            self._followed[backend.name] = roster
        return roster

    def _made(self, backend: Backend, roster: Roster | None) -> Roster:
        earlier = {} if roster is None else roster.standings
        made = Roster(backend.name, SELECTORS[backend.strategy], {}, max_in_flight=backend.max_in_flight)
        if roster is not None and self._made_for[backend.name].bases == backend.bases:
            made.breaker = roster.breaker
        for account in backend.pool:
            known = earlier.get(account.alias) or self._recalled.pop((backend.name, account.alias), None)
            standing = made.standings[account.alias] = under(known, account)
            standing.missing = self._lack(backend, account)
        self._rosters[backend.name], self._made_for[backend.name] = made, backend
        return made

    def follow(self, backends: Mapping[str, Backend]) -> None:
        """The backends in force; whoever waits looks again."""
        self._current = dict(backends)
        self._followed.clear()
        self.queue.look()

    def recall(self, backend: str, account: str, standing: Standing) -> None:
        """What was known of an account before the start."""
        self._recalled[backend, account] = standing

    def find(self, backend: str, account: str) -> Standing | None:
        """An account's standing, if it was ever asked for."""
        roster = self._rosters.get(backend)
        return None if roster is None else roster.standings.get(account)

    async def renew(self, backends: Iterable[Backend]) -> None:
        """Keys may have changed: who was refused with another one is free again, and so is another's."""
        for backend in backends:
            for standing in tuple(self.roster(backend).standings.values()):
                standing.missing = self._lack(backend, standing.account)
                if standing.owner is not None or standing.blocks:
                    await self._renew(backend, standing)
        self.queue.wake()

    async def _renew(self, backend: Backend, standing: Standing) -> None:
        owner = await self.holder.owner(backend, standing.account)
        if owner is not None and standing.owner not in {None, owner}:
            standing.forget(owner)
            self.bindings.release(backend.name, standing.account.alias)
            self.changed.add((backend.name, standing.account.alias))
        refused = [model for model, block in standing.blocks.items() if block.kind == "refused"]
        if refused:
            key = await self.holder.fingerprint(backend, standing.account)
            for model in refused:
                if (block := standing.blocks.get(model)) is not None and block.key != key:
                    del standing.blocks[model]
            self.changed.add((backend.name, standing.account.alias))

    def _lack(self, backend: Backend, account: Account) -> str:
        # One key alone is looked up at each request: it may have been entered meanwhile.
        return self.holder.lack(backend, account) if len(backend.pool) > 1 else ""

    # Leases

    @asynccontextmanager
    async def lease(self, backend: Backend, dialect: str, only: str | None = None) -> AsyncGenerator[Lease]:
        """An account for a question beside the traffic: it counts for no limit. Raises NoCredentialError."""
        failure: NoCredentialError | None = None
        for account in backend.pool:
            if only in (None, account.alias):
                try:
                    lease = await self.holder.lease(backend, account, dialect)
                except NoCredentialError as error:
                    failure = failure or error
                else:
                    yield lease
                    return
        raise failure or NoCredentialError(f"backend {backend.name} has no account {only} any longer")

    async def take(self, ask: Ask, place: Place) -> Lease:
        """An account, reserved until `give_back`; waits for what passes by itself.

        Raises NoAccountError where none can be had, NoCredentialError where none has a key.
        """
        roster = self.roster(ask.backend)
        if ask.backend.credential == "client":
            return self._guest(ask)
        now = self.clock()
        until = min(place.deadline, now + ask.patience)
        loyal = now + LOYAL if len(roster.standings) > 1 else -inf
        while True:
            now = self.clock()
            chosen = self._chosen(roster, ask, now, loyal=now < loyal)
            if isinstance(chosen, Standing):
                number = self._reserve(roster, chosen, now)
                self.queue.served(place)
                lease = await self._leased(chosen, ask, number)
                if lease is not None:
                    return lease
            elif await self._passes(chosen, place, min(until, loyal) if now < loyal else until):
                roster = self.roster(ask.backend)
            elif loyal > -inf:
                # Better a cache that is filled anew than a wait that is long, or no answer.
                loyal = -inf
            else:
                raise no_account(roster, ask.model, chosen, self.clock())

    async def _passes(self, chosen: Wait | None, place: Place, until: float) -> bool:
        """Waits for what passes by itself; False where it does not, or not in time."""
        now = self.clock()
        if chosen is None or chosen.kind != "ours":
            return False
        if chosen.until <= now + BRIEF:
            until = max(until, chosen.until + 0.01)  # looked at before it is over
        if now >= until or until < chosen.until < inf:
            return False
        return await self.queue.turn(structs.replace(place, deadline=until), chosen.until)

    def _chosen(self, roster: Roster, ask: Ask, now: float, *, loyal: bool) -> Standing | Wait | None:
        """`loyal`: to the account of the conversation, as far as that only needs a moment."""
        if ask.again in roster.standings and not roster.breaker.is_open(now):
            return roster.standings[ask.again]
        need = Need(ask.model, ask.tried, self._bound(ask), ask.only, loyal)
        return select(roster, need, now)

    def _bound(self, ask: Ask) -> str | None:
        """Where the conversation belongs: with who made the opaque state in it, else where it was before."""
        binding = self.bindings.find(ask.backend.name, ask.conversation) if ask.conversation else None
        alias = None if binding is None else binding.alias
        if ask.made_by is None:
            return alias
        own = [each.alias for each in ask.backend.pool if ask.backend.issuer(each) == ask.made_by]
        return alias if not own or alias in own else own[0]

    def _reserve(self, roster: Roster, standing: Standing, now: float) -> int:
        """The number of the lease."""
        self._turn += 1
        standing.in_flight += 1
        standing.unheard.add(self._turn)
        standing.turn = self._turn
        roster.level = max(roster.level, standing.served)
        standing.served = roster.level + 1.0 / standing.account.weight
        standing.breaker.begin(now)
        roster.breaker.begin(now)
        if standing.requests is not None:
            standing.requests.spend(1.0, now)
        if standing.windows and standing.reopens(now):
            standing.gap = max(standing.gap, GAP)
        if self.pacing.least or self.pacing.jitter or standing.gap:
            least = max(self.pacing.least, standing.gap)
            standing.paced = now + least + self.pacing.jitter * self._random()
        return self._turn

    async def _leased(self, standing: Standing, ask: Ask, number: int) -> Lease | None:
        """The reserved account's credential; None where it has none and another may be asked."""
        try:
            lease = await self.holder.lease(ask.backend, standing.account, ask.dialect)
        except NoCredentialError:
            self._return(standing, number)
            if ask.brought is not None:
                return self._guest(ask)
            # One key alone is looked up each time: it may have been entered meanwhile.
            if len(ask.backend.pool) == 1 or ask.again is not None:
                raise
            standing.missing = self._lack(ask.backend, standing.account) or "its key cannot be had"
            return None
        except BaseException:
            self._return(standing, number)
            raise
        if standing.owner is None:
            standing.owner = owner_of(lease)
        return structs.replace(lease, number=number, strange=self._is_strange(ask, lease))

    async def again(self, backend: Backend, lease: Lease, dialect: str) -> Lease:
        """The same reservation with the account's credential as it is now. Raises NoCredentialError."""
        account = next(each for each in backend.pool if each.alias == lease.account)
        fresh = await self.holder.lease(backend, account, dialect)
        return structs.replace(fresh, number=lease.number, strange=lease.strange)

    def _guest(self, ask: Ask) -> Lease:
        """The client's own credential. Raises NoCredentialError where it brings none."""
        if ask.brought is None or ask.tried:
            raise nothing_brought(ask.backend)
        guest = self._guests.setdefault(ask.backend.name, Standing(Account(CLIENT_ACCOUNT)))
        guest.in_flight += 1
        lease = ask.brought.lease(ask.backend)
        return structs.replace(lease, strange=self.makers.others(lease.issuer))

    def guest(self, backend: str) -> Standing | None:
        """What is known of clients' own credentials at a backend."""
        return self._guests.get(backend)

    def _is_strange(self, ask: Ask, lease: Lease) -> bool:
        """Whether it may hold opaque state of others; binds a new conversation."""
        if ask.conversation and self.bindings.find(ask.backend.name, ask.conversation) is None:
            self.bindings.bind(ask.backend.name, ask.conversation, lease.account)
        return ask.made_by is not None and self.makers.others(lease.issuer)

    def give_back(self, backend: Backend, lease: Lease) -> None:
        """The attempt is over."""
        now, standing = self.clock(), self.standing(Whose(backend, lease.account, ""))
        self.roster(backend).breaker.abandon(now)
        if standing is not None:
            standing.breaker.abandon(now)
            self._return(standing, lease.number)

    def _return(self, standing: Standing, number: int) -> None:
        standing.in_flight = max(0, standing.in_flight - 1)
        standing.unheard.discard(number)
        self.queue.wake()

    async def wait(self, plan: Iterable[tuple[Backend, Need]], place: Place) -> bool:
        """Waits until an account can be had for one of the needs, or the place's time is up: then False."""
        while True:
            waits: list[Wait] = []
            for backend, need in plan:
                chosen = select(self.roster(backend), need, self.clock())
                if isinstance(chosen, Standing):
                    return True
                if chosen is not None:
                    waits.append(chosen)
            until = min((each.until for each in waits), default=inf)
            if until > place.deadline and not any(each.kind == "ours" for each in waits):
                return False
            if not await self.queue.turn(place, until):
                return False

    def opens(self, wanted: Iterable[tuple[Backend, Need]]) -> float:
        """When the first account opens of those that cannot serve now; `inf` where no time is known."""
        now, first = self.clock(), inf
        for backend, need in wanted:
            for standing in self.roster(backend).standings.values():
                if need.only in {None, standing.account.alias}:
                    hindrance = standing.hindrance(need.model, now)
                    first = first if hindrance is None else min(first, hindrance.until)
        return first

    # What became of it

    def hear(self, whose: Whose, told: Reported | None) -> None:
        """What the head of an answer says of an account's limits; None: nothing."""
        standing = self.standing(whose)
        if standing is None:
            return
        standing.unheard.discard(whose.lease)
        if told is not None:
            self._verdict.hear(standing, told)
            self.changed.add(whose.key)
            self.queue.wake()

    def succeed(self, whose: Whose, conversation: bytes, seconds: float | None) -> None:
        """The account answers; `seconds` until the first byte."""
        standing = self.standing(whose)
        if standing is None:
            return
        if standing.blocks:
            self.changed.add(whose.key)
        self._verdict.succeed(self.roster(whose.backend), standing, whose.model, seconds)
        if conversation:
            self.bindings.answer(whose.backend.name, conversation, whose.account)

    def fail(self, whose: Whose, outcome: Outcome, failure: Failure) -> None:
        """It does not."""
        standing = self.standing(whose)
        if whose.account == CLIENT_ACCOUNT and outcome.status in REFUSED:
            return  # one client's credential is not the next one's
        if standing is not None:
            self._verdict.fail(self.roster(whose.backend), standing, whose.model, outcome, failure)
            self.changed.add(whose.key)

    def spend(self, whose: Whose, tokens: int) -> None:
        """What an answer has cost of the budget."""
        standing = self.standing(whose)
        if standing is not None and standing.tokens is not None:
            standing.tokens.spend(float(tokens), self.clock())

    def standing(self, whose: Whose) -> Standing | None:
        if whose.account == CLIENT_ACCOUNT:
            return self._guests.get(whose.backend.name)
        return self.roster(whose.backend).standings.get(whose.account)

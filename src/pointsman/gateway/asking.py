"""Asking: what a request's attempts want of the pool, found out as far as it is needed."""

from math import inf

from pointsman.accounts.brought import brought
from pointsman.accounts.pool import Ask
from pointsman.accounts.queue import Place
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.opaque import maker
from pointsman.gateway.parts import Parts
from pointsman.gateway.place import caller
from pointsman.gateway.state import Conversation
from pointsman.routing import affinity
from pointsman.routing.attempts import Attempt
from pointsman.routing.plan import Plan
from pointsman.routing.snapshot import Backend
from pointsman.wire import headers as fields
from pointsman.wire.json import encode

ELSEWHERE = 1.0
"""Seconds to wait for a busy account where somebody else may serve the request."""
_UNKNOWN = ""
_CONVERSING = frozenset({"generate", "count_tokens", "compact"})


class Asking:
    """One request's."""

    def __init__(self, exchange: Exchange, parts: Parts, plan: Plan, talk: Conversation | None) -> None:
        """`talk`: what it says of kept answers."""
        self._exchange = exchange
        self._last = plan.candidates[-1]
        self._talk = talk
        self._pool = parts.pool
        self._own_key = parts.own_key
        self._who = caller(exchange.headers)
        agent = fields.first(exchange.headers, "user-agent") or ""
        self._client = f"{self._who}\0{agent}"
        """Who asks: by the credential, and by the program."""
        self._conversation: bytes | None = None
        self._session: str | None = None
        self._named = affinity.session(exchange.headers, exchange.body, exchange.intent.members)
        self._maker: str | None = _UNKNOWN
        self._place: Place | None = None
        self._until = parts.wall() + parts.patience.queue_timeout

    def conversation(self, backend: Backend) -> bytes:
        """Which conversation it belongs to; empty where a backend's only account has them all."""
        if len(backend.pool) == 1:
            return b""
        if self._conversation is None:
            self._conversation = affinity.conversation(self._who, self._told())
        return self._conversation

    @property
    def session(self) -> str:
        """Its session: the one that the client names, else what it asks without a long pause."""
        if self._session is None:
            self._session = self._named or self._pool.sessions.of(self._client)
        return self._session

    def _told(self) -> bytes:
        """What tells its conversation from others."""
        if self._named is not None:
            return self._named.encode("utf-8", "replace")
        told = self._beginning() if self._exchange.intent.operation in _CONVERSING else b""
        return told or self.session.encode()

    def _beginning(self) -> bytes:
        """What its conversation begins with, the part that is kept too; whoever goes on from that need not
        repeat the instructions."""
        exchange = self._exchange
        if self._talk is None:
            return affinity.beginning(exchange.dialect, exchange.body, exchange.intent.members)
        first = self._talk.first()
        if first:
            return affinity.first_words(encode(first))
        return affinity.beginning(exchange.dialect, exchange.body, exchange.intent.members, instructed=False)

    @property
    def place(self) -> Place:
        """Its place in the queue."""
        if self._place is None:
            self._place = self._pool.queue.place(f"{self._client}\0{self.session}", self._until)
        return self._place

    def ask(self, step: Attempt, dialect: str, only: str | None) -> Ask:
        """What one attempt wants; `only`: the account that keeps what it goes on from."""
        candidate = step.candidate
        return Ask(
            candidate.backend,
            dialect,
            candidate.model,
            self.conversation(candidate.backend),
            step.tried,
            step.again,
            only,
            brought(self._exchange.headers, candidate.backend, dialect, self._own_key),
            self._made_by(),
            inf if candidate is self._last else ELSEWHERE,
        )

    def _made_by(self) -> str | None:
        """Whose opaque state it holds, where several are known to have made some."""
        if self._maker == _UNKNOWN and self._pool.makers.others(""):
            self._maker = maker(self._exchange.body, self._exchange.dialect, self._pool.makers)
        return None if self._maker == _UNKNOWN else self._maker

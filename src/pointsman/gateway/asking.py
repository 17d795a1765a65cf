"""Asking: what a request's attempts want of the pool, found out as far as it is needed."""

from pointsman.accounts.brought import brought
from pointsman.accounts.pool import Ask
from pointsman.accounts.queue import Place
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.opaque import maker
from pointsman.gateway.parts import Parts
from pointsman.gateway.place import caller
from pointsman.routing import affinity
from pointsman.routing.attempts import Attempt
from pointsman.wire import headers as fields

_CONVERSING = frozenset({"generate", "count_tokens", "compact"})


class Asking:
    """One request's."""

    def __init__(self, exchange: Exchange, parts: Parts) -> None:
        self._exchange = exchange
        self._pool = parts.pool
        self._own_key = parts.own_key
        self._conversation: bytes | None = None
        self._place: Place | None = None
        self._until = parts.wall() + parts.patience.queue_timeout

    @property
    def conversation(self) -> bytes:
        """Which conversation it belongs to; empty for none."""
        if self._conversation is None:
            self._conversation = self._find()
        return self._conversation

    def _find(self) -> bytes:
        exchange = self._exchange
        who = caller(exchange.headers)
        members = exchange.intent.members
        named = affinity.session(exchange.headers, exchange.body, members)
        if named is not None:
            return affinity.conversation(who, named.encode("utf-8", "replace"))
        if exchange.intent.operation not in _CONVERSING:
            return b""
        beginning = affinity.beginning(exchange.dialect, exchange.body, members)
        return affinity.conversation(who, beginning) if beginning else b""

    @property
    def place(self) -> Place:
        """Its place in the queue."""
        if self._place is None:
            agent = fields.first(self._exchange.headers, "user-agent") or ""
            client = f"{caller(self._exchange.headers)}\0{agent}"
            self._place = self._pool.queue.place(client, self._until)
        return self._place

    def ask(self, step: Attempt, dialect: str, only: str | None) -> Ask:
        """What one attempt wants; `only`: the account that keeps what it goes on from."""
        candidate = step.candidate
        return Ask(
            candidate.backend,
            dialect,
            candidate.model,
            self.conversation,
            step.tried,
            step.again,
            only,
            brought(self._exchange.headers, candidate.backend, dialect, self._own_key),
            self._made_by(candidate.backend.name),
        )

    def _made_by(self, backend: str) -> str | None:
        """Whose opaque state a conversation holds that began elsewhere."""
        pool = self._pool
        if not pool.makers.others("") or pool.bindings.find(backend, self.conversation) is not None:
            return None
        return maker(self._exchange.body, self._exchange.dialect, pool.makers)

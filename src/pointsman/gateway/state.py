"""Kept state: what a request continues, how it is put before a backend, and what is kept of its answer.

A backend that keeps answers itself is asked to; for every other one they are kept here. Only the answer's
maker knows an id, so a conversation that one backend keeps cannot go on at another.
"""

from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct, structs

from pointsman.accounts.lease import CREDENTIAL_FIELDS
from pointsman.canon.errors import RequestError, SetupError, TooLargeError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.dialects.dialect import Dialect
from pointsman.dialects.stateful import Stateful, Wish
from pointsman.gateway.exchange import CONVERSING, Exchange, Remembered
from pointsman.gateway.parts import Parts
from pointsman.gateway.recorder import Recorder
from pointsman.routing.plan import Candidate
from pointsman.routing.snapshot import Backend, Snapshot
from pointsman.store.responses import Kept, MadeElsewhere, ResponsesStore
from pointsman.upstream.seat import Seat
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_value, encode, peek

KEPT_HERE = "the conversation is kept by pointsman"
UNKEPT = "the backend keeps no answers"
FIRST = 16
"""Items in which the first words of a user are looked for."""
LONGEST = 64 * 1024 * 1024
"""Bytes of what was said before a request."""
_CONTINUING = CONVERSING | {"compact"}
"""The operations that may go on from a kept answer."""
UNBOUND = " (with `responses_store = false` nobody knows whose it is, so clients' keys find none)"
_OFF = "pointsman keeps no responses here (`responses_store = false`)"


class Past(Struct, frozen=True):
    """What a request continues."""

    id: str
    items: Sequence[Json] | None = None
    """What was said up to there, where it is known here."""
    size: int = 0
    """Bytes of it."""
    kept: bool = False
    """Whether they are kept under the id, so that it is enough to name it."""
    backend: str | None = None
    """Who keeps it."""
    account: str | None = None
    """With which of its accounts."""
    foreign: bool = False
    """Whether it is somebody else's."""
    trouble: str | None = None
    """Why nobody can tell."""


class Standing(Struct, frozen=True):
    """A request as it is put before one backend."""

    exchange: Exchange
    why: str | None = None
    """Why it is not as the client sent it."""
    losses: tuple[Loss, ...] = ()


class Conversation:
    """One request of a dialect whose answers may be kept."""

    def __init__(
        self, exchange: Exchange, stateful: Stateful, store: ResponsesStore | None, *, findable: bool = True
    ) -> None:
        """`findable`: whether who keeps an answer can be told later. Raises MalformedError for a wish that is
        none."""
        self._findable = findable
        self._exchange = exchange
        self._stateful = stateful
        self._store = store
        self._owner = owner(exchange.headers)
        self._past: Past | None = None
        self.wish: Wish = stateful.wish(exchange.body, exchange.intent.members)

    def first(self) -> list[Json]:
        """The first items of the conversation that it continues; none where they are not known here."""
        return [] if self._past is None else list((self._past.items or ())[:FIRST])

    async def recall(self) -> None:
        """Looks up what the request continues. Raises TooLargeError."""
        if self.wish.previous is not None:
            self._past = await self._find(self.wish.previous)

    async def _find(self, previous: str) -> Past:
        memory = self._exchange.memory
        remembered = None if memory is None else memory.recall(previous)
        if remembered is not None:
            return Past(previous, remembered.said, remembered.size)
        if self._store is None:
            # Whoever has the only key may go on from any; of several clients one might go on from another's.
            foreign = self._exchange.client_key is not None
            return Past(previous, trouble=_OFF, foreign=foreign)
        try:
            found = await self._store.conversation(self._owner, previous)
        except SetupError as error:
            return Past(previous, trouble=error.message)
        if isinstance(found, MadeElsewhere):
            return Past(previous, backend=found.backend, account=found.account, foreign=found.backend is None)
        return Past(previous) if found is None else self._gathered(previous, found)

    def _gathered(self, previous: str, found: Sequence[Kept]) -> Past:
        size = sum(kept.size for kept in found)
        if size > LONGEST:
            raise TooLargeError(f"the conversation before {previous} has {size} bytes; begin a new one")
        if self._exchange.room is not None:
            self._exchange.room.take(size)
        items: list[Json] = []
        for kept in found:
            items += decode_value(kept.input)
            items += self._stateful.said(decode_value(kept.answer))
        return Past(previous, items, size, kept=True)

    def before(self, candidate: Candidate) -> Standing:
        """The request for one backend. Raises RequestError where it cannot be served there."""
        keeps = keeps_state(candidate, self._exchange.dialect)
        open_to_it = keeps or self._may_keep(candidate)
        if self.wish.background and not self._findable:
            raise UnsupportedError(
                f"an answer made in the background could not be found later: {_OFF}, and several backends "
                "may have it; leave `background` out",
                param="background",
            )
        if self.wish.background and not open_to_it:
            raise UnsupportedError(
                f"backend {candidate.backend.name} does not work in the background; leave `background` out",
                param="background",
            )
        past = self._past
        if past is None:
            unwanted = self.wish.store and not keeps
            # Some refuse the wish; what they are not asked to keep is kept here.
            return Standing(self._unkept(), UNKEPT) if unwanted else Standing(self._exchange)
        if past.items is not None and not self._is_remembered(past.id, candidate):
            return self._continued(past.items, keeps, candidate)
        if past.items is not None:
            return Standing(self._exchange)
        self._check_known(past, candidate, open_to_it)
        return Standing(self._exchange)

    def _unkept(self) -> Exchange:
        return self._variant(self._stateful.unkept(self._exchange.members()))

    def _continued(self, items: Sequence[Json], keeps: bool, candidate: Candidate) -> Standing:
        spoken = self._exchange.dialect.name in candidate.backend.spoken(candidate.model)
        before = self._stateful.portable(items) if spoken else items
        alone = self._stateful.continued(self._exchange.members(), before)
        if self.wish.store and not keeps:
            alone = self._stateful.unkept(alone)
        unseen = Loss("dropped", "reasoning", "only its maker could look it up")
        return Standing(self._variant(alone), KEPT_HERE, (unseen,) if len(before) < len(items) else ())

    def _is_remembered(self, response_id: str, candidate: Candidate) -> bool:
        """Whether the backend remembers an answer on the lane's own WebSocket to it."""
        seat = seat_at(self._exchange, candidate)
        return seat is not None and seat.knows(response_id)

    def _may_keep(self, candidate: Candidate) -> bool:
        """Whether nothing is known of a server of the dialect: what it cannot do is its own to say."""
        backend = candidate.backend
        return backend.provider.compatible and self._exchange.dialect.name in backend.spoken(candidate.model)

    def _check_known(self, past: Past, candidate: Candidate, open_to_it: bool) -> None:
        """Raises RequestError where the backend cannot know what is continued."""
        here = candidate.backend.name
        if past.backend is not None and past.backend != here:
            raise UnsupportedError(
                f"response {past.id} is kept by backend {past.backend}, and {here} does not know it: name a "
                f"model of {past.backend}, or send the whole conversation as `input`",
                param="previous_response_id",
            )
        if open_to_it and not past.foreign:
            return
        why = f" ({past.trouble})" if past.trouble else ""
        raise RequestError(
            f"Previous response with id '{past.id}' not found.{why} Send the whole conversation as `input`",
            code="previous_response_not_found",
            param="previous_response_id",
        )

    def _variant(self, members: Json) -> Exchange:
        """The exchange with another body."""
        body, before = encode(members), self._exchange
        intent = structs.replace(before.intent, members=peek(body).members)
        head = (before.request_id, before.query, before.headers)
        dialect, room = before.dialect, before.room
        return Exchange(*head, body, dialect, intent, room, seats=before.seats, asked=before.members())

    # The answer

    def keeper(self, candidate: Candidate) -> str | None:
        """The account that keeps what the request goes on from, where the backend does."""
        past = self._past
        return past.account if past is not None and past.backend == candidate.backend.name else None

    def recorder(self, candidate: Candidate, account: str) -> Recorder | None:
        """What keeps the answer, or who keeps it; None where nobody is to."""
        if self._exchange.intent.operation != "generate":
            return None
        wanted = self.wish.store is not False
        stream = self._exchange.intent.stream
        if not wanted:
            return None if self._exchange.memory is None else self.remembering()
        store = self._store
        if store is None:
            return None
        if keeps_state(candidate, self._exchange.dialect):
            backend = candidate.backend.name
            return Recorder(
                self._stateful,
                stream=stream,
                begun=lambda found: store.note(self._owner, found, backend, account),
            )
        return Recorder(self._stateful, stream=stream, final=lambda answer: self._keep(store, answer))

    def remembering(self) -> Recorder:
        """What lets the connection remember the answer."""
        return Recorder(self._stateful, stream=self._exchange.intent.stream, final=self._remember)

    def _own(self) -> Sequence[Json]:
        past = self._past
        before = past.items if past is not None and past.items is not None else ()
        return self._stateful.items(self._exchange.members(), before)

    def _keep(self, store: ResponsesStore, answer: Json) -> None:
        response_id = self._stateful.identity(answer)
        if response_id is None:
            return
        past, previous = self._past, self.wish.previous
        before: Sequence[Json] = ()
        if past is not None and past.items is not None and not past.kept:
            # What a connection remembered cannot be found again by the id.
            before, previous = past.items, None
        shown = self._stateful.as_kept(answer, self.wish.previous)
        store.keep(self._owner, Kept(response_id, previous, encode([*before, *self._own()]), encode(shown)))

    def _remember(self, answer: Json) -> None:
        memory, response_id = self._exchange.memory, self._stateful.identity(answer)
        if memory is None or response_id is None:
            return
        past = self._past
        before, size = ((), 0) if past is None or past.items is None else (past.items, past.size)
        own, said = self._own(), self._stateful.said(answer)
        size += len(self._exchange.body) + len(encode(said))
        memory.keep(response_id, Remembered((*before, *own, *said), size))


async def conversation(exchange: Exchange, parts: Parts) -> Conversation | None:
    """What the request says of kept answers, looked up; None where its dialect keeps none.

    Raises MalformedError, TooLargeError.
    """
    stateful = exchange.dialect.stateful
    if stateful is None or exchange.intent.operation not in _CONTINUING:
        return None
    alone = exchange.client_key is None and sole_keeper(parts.router.snapshot, exchange.dialect.name)
    findable = parts.responses is not None or bool(alone)
    made = Conversation(exchange, stateful, parts.responses, findable=findable)
    await made.recall()
    return made


def keeps_state(candidate: Candidate, dialect: Dialect) -> bool:
    """Whether the backend keeps answers in this dialect by itself."""
    backend = candidate.backend
    speaks = backend.provider.dialects.get(dialect.name)
    return dialect.name in backend.spoken(candidate.model) and speaks is not None and speaks.keeps_state


def sole_keeper(snapshot: Snapshot, dialect: str) -> Backend | None:
    """The backend that keeps answers in this dialect, where there is just one."""
    found = [
        backend
        for backend in snapshot.backends.values()
        if (speaks := backend.provider.dialects.get(dialect)) is not None
        and dialect in backend.bases
        and speaks.keeps_state
    ]
    return found[0] if len(found) == 1 else None


def seat_at(exchange: Exchange, candidate: Candidate) -> Seat | None:
    """The lane's own WebSocket to a backend that has them in the client's dialect."""
    backend, name = candidate.backend, exchange.dialect.name
    speaks = backend.provider.dialects.get(name)
    if exchange.seats is None or speaks is None or not speaks.websocket:
        return None
    return exchange.seats.at(backend.name) if name in backend.spoken(candidate.model) else None


def owner(headers: Headers) -> bytes:
    """Whose a kept answer is: a hash of the keys in a request's head, however they were sent."""
    keys = {_bare(value) for name, value in headers if name in CREDENTIAL_FIELDS}
    digest = blake2b(person=b"responses", digest_size=32)
    for key in sorted(keys):
        digest.update(key.encode("utf-8", "replace") + b"\0")
    return digest.digest()


def _bare(value: str) -> str:
    scheme, _, key = value.partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key else value

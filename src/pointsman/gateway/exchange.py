"""The client's side of the seam: a request as it came in, and the line on which its answer leaves."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, structs

from pointsman.canon.intent import Intent
from pointsman.canon.json import Json
from pointsman.canon.request import Request
from pointsman.dialects.dialect import Dialect
from pointsman.store.client_keys import ClientKey
from pointsman.upstream.seat import Seat
from pointsman.wire import shape
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object


class Room(Protocol):
    """A share of the memory that all exchanges have together."""

    def take(self, count: int) -> None:
        """Takes so many bytes more. Raises BusyError."""
        ...

    def give_back(self, count: int) -> None:
        """Gives back what is held no longer."""
        ...


class Remembered(Struct, frozen=True):
    """Everything that was said up to an answer's end."""

    said: Sequence[Json]
    size: int
    """Bytes."""


class Memory(Protocol):
    """What a client's connection remembers by itself, as long as it lasts."""

    def recall(self, response_id: str) -> Remembered | None:
        """What was said up to an answer's end; None where it is not remembered."""
        ...

    def keep(self, response_id: str, remembered: Remembered) -> None:
        """Remembers it."""
        ...


class Seats(Protocol):
    """The WebSockets to upstreams that a client's own lane has."""

    headers: Headers
    """Of the handshake in which the client asked for its own."""

    def at(self, backend: str) -> Seat:
        """The one to a backend."""
        ...


class Exchange(Struct):
    """One request. The body is decoded at most once, and only if somebody needs it. Shown, it is its id."""

    request_id: str
    query: str
    """As received, without the question mark."""
    headers: Headers
    body: bytes
    """Without content coding."""
    dialect: Dialect
    intent: Intent
    room: Room | None = None
    """Counts what is held of the answer; None where nothing bounds it."""
    memory: Memory | None = None
    """None where the connection carries one exchange after the other, each for itself."""
    seats: Seats | None = None
    """None where the client has not asked for a WebSocket."""
    asked: Json | None = None
    """What the client itself sent, where the body is another."""
    _members: Json | None = None
    _request: Request | None = None
    client_key: ClientKey | None = None
    """None for whoever may use everything."""

    def __repr__(self) -> str:
        return f"Exchange({self.request_id})"

    def members(self) -> Json:
        """The body as an object. Raises MalformedError."""
        if self._members is None:
            self._members = decode_object(self.body)
        return self._members

    def request(self) -> Request:
        """The canonical request. Raises MalformedError."""
        if self._request is None:
            decoded = self.dialect.decode_request(self.members())
            if self.intent.placed:
                decoded = structs.replace(decoded, model=self.intent.model or "", stream=self.intent.stream)
            self._request = decoded
        return self._request


CONVERSING = frozenset({"generate", "count_tokens"})
"""The operations on a conversation."""


def check_turns(exchange: Exchange) -> None:
    """One look at the bytes, so that a body which nobody could answer goes nowhere. Raises MalformedError."""
    dialect, body, members = exchange.dialect, exchange.body, exchange.intent.members
    if exchange.intent.operation in CONVERSING and not _speaks_elsewhere(exchange):
        shape.check_turns(body, members, dialect.turns_field, dialect.turn_rules)
    shape.check_kinds(body, members, dialect.kinds.get(exchange.intent.operation, {}))


def _speaks_elsewhere(exchange: Exchange) -> bool:
    """Whether the turns are a text, or stand where the dialect lets them stand beside their own member."""
    dialect, body, members = exchange.dialect, exchange.body, exchange.intent.members
    for name in dialect.turns_elsewhere:
        if shape.says(body, members, name):
            return True
    turns = members.get(dialect.turns_field)
    return dialect.turns_text and turns is not None and body.startswith(b'"', turns.start)


class Client(Protocol):
    """The connection to a client, whatever server holds it."""

    async def head(self, status: int, headers: Headers) -> None:
        """Sends the response's head."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends a piece of the body; waits while the client reads slowly."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """Ends the body properly, with its last piece."""
        ...

    def watch(self, left: Callable[[], None] | None) -> None:
        """Calls `left` from the event loop once the client has left; None ends the watch."""
        ...

    def abort(self) -> None:
        """Closes the connection so that the body is seen to be incomplete."""
        ...

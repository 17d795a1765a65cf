"""A dialect over a WebSocket: the client's events, and the form of what is said to it."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from pointsman.canon.errors import Fault
from pointsman.canon.json import Json
from pointsman.wire.headers import Headers


class Turn(Struct, frozen=True):
    """What a client wants with one message."""

    kind: Literal["create", "prepare", "refused", "nothing"]
    """An answer; an answer without a word, to be continued later; nothing that can be done here; nothing."""
    members: Json = {}
    """The request's body, as it would be posted."""
    lane: str | None = None
    """Turns of one lane follow each other, those of several go on side by side."""
    answer: bytes = b""
    """What is said to what cannot be done here."""


class Refusal(Struct, frozen=True):
    """An upstream's error, as it would be over HTTP."""

    status: int
    headers: Headers
    body: bytes
    outlived: bool = False
    """Whether it says that the connection has lasted as long as one may."""
    forgotten: bool = False
    """Whether it says that what the request goes on from is not known."""


class Socketed(Struct, frozen=True):
    """What a dialect of this kind offers."""

    path: str
    """Where the connection is asked for, without the version prefix."""
    fields: Callable[[Headers], Headers]
    """Of the handshake's header fields, those that go with each turn."""
    lane: Callable[[Json], str | None]
    """(message) → its lane. Raises RequestError."""
    turn: Callable[[Json], Turn]
    """(message) → what it wants. Raises RequestError."""
    event: Callable[[bytes, str | None], bytes]
    """(data of a stream's frame, lane) → the message."""
    error: Callable[[Fault, str | None, Headers], bytes]
    """(error, lane, header fields that came with it) → the message."""
    ends: Callable[[bytes], Literal["well", "badly"] | None]
    """(data of a stream's frame) → how the answer ends with it, if it does."""
    message: Callable[[Json], bytes]
    """(request's body) → the message that asks an upstream for it."""
    refusal: Callable[[bytes], Refusal | None]
    """(an upstream's message) → the error that it is, if it is one."""
    expired: Fault
    """That the connection has lasted as long as one may."""
    crowded: Fault
    """That it has as many lanes as one may."""
    seconds: float
    """How long a connection may last."""
    lanes: int
    """How many it may have that are named."""
    running: int
    """How many turns may go on at a time; more wait."""

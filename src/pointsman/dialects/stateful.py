"""Answers that a server keeps: how a dialect asks for that, how one is found again and continued."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from pointsman.canon.intent import Span
from pointsman.canon.json import Json
from pointsman.wire.sse import Frame


class Wish(Struct, frozen=True):
    """What a request says of kept answers."""

    store: bool | None = None
    """Whether its own is to be kept; None where it does not say, which means that it is."""
    previous: str | None = None
    """The id of the answer that it continues."""
    background: bool = False
    """Whether it is to be worked on while nobody listens."""


class Page(Struct, frozen=True):
    """Which part of a list is asked for."""

    after: str | None = None
    limit: int = 20
    descending: bool = True


class Stateful(Struct, frozen=True):
    """What a dialect of this kind offers. Whole answers and items are JSON, as its clients know them."""

    root: str
    """Below which path each kept answer stands, without the version prefix."""
    wish: Callable[[bytes, Mapping[str, Span]], Wish]
    """(body, where its members stand). Raises MalformedError."""
    items: Callable[[Json, Sequence[Json]], Sequence[Json]]
    """(request, what was said before it) → what it brings to the conversation itself."""
    continued: Callable[[Json, Sequence[Json]], Json]
    """(request, what was said before it) → a request that stands alone."""
    portable: Callable[[Sequence[Json]], Sequence[Json]]
    """Of what was said, that which a server of this dialect takes although it did not make it."""
    unkept: Callable[[Json], Json]
    """The request without its wish to be kept."""
    begun: Callable[[Frame], str | None]
    """The id of the answer that begins with a frame."""
    final: Callable[[Frame], Json | None]
    """The whole answer in the frame that ends a stream."""
    identity: Callable[[Json], str | None]
    """The id of a whole answer; None for anything else."""
    said: Callable[[Json], Sequence[Json]]
    """What an answer brings to the conversation."""
    as_kept: Callable[[Json, str | None], Json]
    """(answer, the id of the one before it) → the answer as it is shown later."""
    listed: Callable[[str, Sequence[Json], Page], Json]
    """(id, what its request brought, which part) → the page. Raises RequestError."""
    deleted: Callable[[str], Json]
    """What is answered to a deletion."""

"""What routing needs to know of a request, read without decoding it."""

from typing import Literal

from msgspec import Struct

Operation = Literal["generate", "count_tokens", "embeddings", "batch_embeddings", "completions", "compact"]
EMBEDDING: frozenset[Operation] = frozenset({"embeddings", "batch_embeddings"})
"""Operations whose answer is numbers, and no text."""


class Span(Struct, frozen=True):
    """Bytes `start` to `end` (exclusive) of a body."""

    start: int
    end: int


class Intent(Struct, frozen=True):
    """A request as far as it matters before a backend is chosen."""

    dialect: str
    operation: Operation
    model: str | None
    """None where the client named none."""
    stream: bool
    members: dict[str, Span]
    """Where the value of each top-level member of the body stands."""
    placed: bool = False
    """Whether the path names the model and the form of the answer, not the body."""
    array: bool = False
    """Whether a stream is asked for as one JSON array instead of server-sent events."""

"""What routing needs to know of a request, read without decoding it."""

from typing import Literal

from msgspec import Struct

Operation = Literal["generate", "count_tokens", "embeddings", "completions"]


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

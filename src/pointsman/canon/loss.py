"""What a translation could not carry. Losses are values that every codec returns, never silent."""

from typing import Literal

from msgspec import Struct


class Loss(Struct, frozen=True):
    """One thing that reached the other side changed, or not at all."""

    kind: Literal["approximated", "dropped"]
    what: str
    """The field or feature in the client's words: `top_k`, `messages[3].cache_control`."""
    why: str
    """One clause: what the target lacks, or what stands in its place."""

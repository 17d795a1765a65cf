"""What a voice consists of, and the words that all of them say."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Turn: TypeAlias = tuple[bool, str]
"""(whether the user speaks, what is said)"""

MODEL = "{model}"
"""Stands in a path for the model's name."""
MODEL_ID = "bench"
"""What every answer calls its model."""
TEXT = "The points are set, and the train takes its own line."
CREATED = 1_760_000_000
"""Seconds since the epoch."""
INPUT_TOKENS, OUTPUT_TOKENS = 12, 40
MAX_TOKENS = 1024


@dataclass(frozen=True)
class Voice:
    """One dialect."""

    dialect: str
    path: str
    """Where a client asks; `{model}` in it stands for the model's name."""
    stream_path: str
    """Where it asks for a stream."""
    fields: str
    """The header fields that its SDK sends beside the usual ones."""
    body: Callable[[str, Sequence[Turn], bool], Mapping[str, Any]]
    """(model, turns, whether a stream is asked for) → the body."""
    whole: Callable[[], bytes]
    """An answer that is not streamed."""
    events: Callable[[int], tuple[bytes, ...]]
    """A stream: what opens it (where the dialect has such), so many deltas, and what ends it."""
    last: bytes
    """What the last frame of a stream holds, and no other."""
    provider: str
    """The row of a backend that speaks it."""
    base: str
    """What stands behind the address in such a backend's `base_url`."""

    @property
    def marks(self) -> tuple[bytes, ...]:
        """How a request in it is known by its path."""
        return tuple(
            [path.rpartition(MODEL)[2].partition("?")[0].encode() for path in (self.path, self.stream_path)]
        )

    def target(self, model: str, *, stream: bool) -> str:
        """Path and query of a request."""
        return (self.stream_path if stream else self.path).replace(MODEL, model)


def words(count: int) -> list[str]:
    """The pieces of a streamed text."""
    return [f" word{number}" for number in range(count)]


def written(value: object) -> bytes:
    """A value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """A conversation as most dialects write it."""
    return [{"role": "user" if user else "assistant", "content": text} for user, text in turns]


def named(event: Mapping[str, Any]) -> bytes:
    """A frame that is called as its `type` says."""
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), written(event))

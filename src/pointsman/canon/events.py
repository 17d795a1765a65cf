"""The events of an answer: start, delta and end of blocks, in nobody's dialect.

Blocks carry an index that rises from 0 in the order in which they start. A block may be open while
another one is (Chat interleaves tool calls); an encoder whose dialect forbids that puts them in order.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.canon.blocks import Block, Citation, Native
from pointsman.canon.errors import Fault
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage

StopReason = Literal[
    "end", "max_tokens", "stop_sequence", "tool_use", "pause", "refusal", "context_window", "other"
]


class MessageStart(Struct, frozen=True):
    """The answer begins."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    """Seconds since the epoch."""
    usage: Usage | None = None
    extra: Json = {}
    dialect: str = ""
    """The dialect in which the answer arrived; `extra` and `form` are re-emitted only there."""
    form: Json = {}
    """Which of the dialect's equivalent spellings the stream uses; no part of the answer."""


class BlockStart(Struct, frozen=True):
    """A block begins; deltas append to what `block` already holds."""

    index: int
    block: Block
    choice: int = 0
    """Which of several answers (`n` > 1) it belongs to."""
    dialect: str = ""
    """As in `MessageStart`."""


class TextDelta(Struct, frozen=True):
    """More text of a text or refusal block."""

    index: int
    text: str
    extra: Json = {}
    """What the dialect attaches to a piece of text (log probabilities)."""
    dialect: str = ""
    """The one that `extra` came in; only that one says it again."""


class ThinkingDelta(Struct, frozen=True):
    """More text of a thinking block."""

    index: int
    text: str
    extra: Json = {}
    """What the dialect attaches to a piece of thinking (token estimates)."""
    dialect: str = ""
    """As in `TextDelta`."""


class NativeDelta(Struct, frozen=True):
    """Opaque state of a thinking block or tool call; a later one replaces or extends an earlier."""

    index: int
    native: Native
    of: Literal["thinking", "call"] = "thinking"
    """The kind of block that it belongs to; a provider's own tool counts as a call."""
    extra: Json = {}
    dialect: str = ""
    """As in `TextDelta`."""


class ArgumentsDelta(Struct, frozen=True):
    """More text of a tool call's arguments."""

    index: int
    text: str
    extra: Json = {}
    dialect: str = ""
    """As in `TextDelta`."""


class CitationDelta(Struct, frozen=True):
    """A citation of a text block."""

    index: int
    citation: Citation
    extra: Json = {}
    dialect: str = ""
    """As in `TextDelta`."""


class UnknownDelta(Struct, frozen=True):
    """A delta of a type that we do not know."""

    index: int
    dialect: str
    data: Json


class BlockEnd(Struct, frozen=True):
    """A block is complete."""

    index: int


class UsageReport(Struct, frozen=True):
    """Counts so far; each later report replaces the fields that it names."""

    usage: Usage


class Stop(Struct, frozen=True):
    """Why the answer ended."""

    reason: StopReason
    raw: str | None = None
    """The upstream's own word."""
    sequence: str | None = None
    """The stop sequence that matched."""
    details: Json | None = None
    choice: int = 0
    extra: Json = {}
    dialect: str = ""
    """As in `MessageStart`."""
    failed: str = ""
    """Why the turn came to nothing that could be used, as a call that nobody can read; another API has no
    word for that but an error."""


class MessageEnd(Struct, frozen=True):
    """The answer is whole. A stream without it was cut."""

    extra: Json = {}
    dialect: str = ""
    """As in `MessageStart`."""


class Ping(Struct, frozen=True):
    """The upstream is alive."""


class Failure(Struct, frozen=True):
    """The upstream reports an error inside the answer."""

    fault: Fault


class UnknownEvent(Struct, frozen=True):
    """An event of a type that we do not know."""

    dialect: str
    name: str
    """Empty for one that says nothing (padding)."""
    data: Json


Event: TypeAlias = (
    MessageStart
    | BlockStart
    | TextDelta
    | ThinkingDelta
    | NativeDelta
    | ArgumentsDelta
    | CitationDelta
    | UnknownDelta
    | BlockEnd
    | UsageReport
    | Stop
    | MessageEnd
    | Ping
    | Failure
    | UnknownEvent
)


class Choice(Struct, frozen=True):
    """One whole answer."""

    blocks: tuple[Block, ...]
    stop: Stop | None = None


class Answer(Struct, frozen=True):
    """All events of an exchange, gathered."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    extra: Json = {}
    dialect: str = ""
    """The dialect in which it arrived; `extra` is re-emitted only there."""

"""Keepsakes: thinking kept for clients whose dialect has no field for it, under the calls that it led to.

A provider that signed its thinking wants it back in front of the tool call that came of it. Chat clients that
drop fields they don't know would lose it, so it is put back here. Nothing is ever hidden inside an id.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from msgspec import Struct, structs

from pointsman.canon.blocks import Block, Native, Thinking, ToolCall
from pointsman.canon.events import BlockStart, Event, NativeDelta, ThinkingDelta
from pointsman.canon.request import Message, Request
from pointsman.dialects.gather import merge_native
from pointsman.wire.json import encode

Blocks = tuple[Thinking, ...]
ENTRY_BYTES = 256
"""What an entry takes beside its text and state."""


class Bounds(Struct, frozen=True):
    """How much is kept, and for how long."""

    entries: int = 4096
    size: int = 32 * 1024 * 1024
    """Bytes."""
    age: float = 3600.0
    """Seconds since it was last asked for."""


class _Kept(Struct):
    blocks: Blocks
    size: int
    used: float


class Keepsakes:
    """One endpoint's, by tool-call id; what was not asked for the longest goes first."""

    def __init__(self, clock: Callable[[], float], bounds: Bounds | None = None) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self.size = 0
        """Bytes held."""

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, call_id: str, blocks: Blocks) -> None:
        """Keeps the thinking that led to a call; what is too much for all of the room is not kept."""
        self._forget(call_id)
        size = ENTRY_BYTES + len(call_id) + sum(_size(block) for block in blocks)
        if size <= self._bounds.size:
            self._kept[call_id] = _Kept(blocks, size, self._clock())
            self.size += size
        self._tidy()

    def recall(self, call_id: str) -> Blocks:
        """The thinking that led to a call; empty where none is kept."""
        self._tidy()
        kept = self._kept.get(call_id)
        if kept is None:
            return ()
        kept.used = self._clock()
        self._kept.move_to_end(call_id)
        return kept.blocks

    def _forget(self, call_id: str) -> None:
        kept = self._kept.pop(call_id, None)
        if kept is not None:
            self.size -= kept.size

    def _tidy(self) -> None:
        oldest = self._clock() - self._bounds.age
        while self._kept:
            call_id, kept = next(iter(self._kept.items()))
            full = len(self._kept) > self._bounds.entries or self.size > self._bounds.size
            if not full and kept.used >= oldest:
                return
            self._forget(call_id)


class Keeper:
    """Follows one answer, and keeps its thinking as soon as a call begins."""

    def __init__(self, keepsakes: Keepsakes) -> None:
        self._keepsakes = keepsakes
        self._open: dict[int, _Growing] = {}

    def note(self, event: Event) -> None:
        """Takes in what concerns thinking and calls."""
        if isinstance(event, BlockStart):
            self._begin(event)
        elif isinstance(event, ThinkingDelta | NativeDelta):
            growing = self._open.get(event.index)
            if growing is not None:
                growing.add(event)

    def _begin(self, start: BlockStart) -> None:
        if start.choice:
            return
        if isinstance(start.block, Thinking):
            self._open[start.index] = _Growing(start.block)
        elif isinstance(start.block, ToolCall) and self._open:
            blocks = tuple(growing.whole() for growing in self._open.values())
            self._open.clear()
            if start.block.id and any(block.native is not None for block in blocks):
                self._keepsakes.keep(start.block.id, blocks)


class _Growing:
    """A thinking block and what came after its start."""

    def __init__(self, block: Thinking) -> None:
        self._block = block
        self._texts = [block.text]
        self._native: Native | None = block.native

    def add(self, delta: ThinkingDelta | NativeDelta) -> None:
        if isinstance(delta, ThinkingDelta):
            self._texts.append(delta.text)
        else:
            self._native = merge_native(self._native, delta.native)

    def whole(self) -> Thinking:
        return structs.replace(self._block, text="".join(self._texts), native=self._native)


def restore(request: Request, keepsakes: Keepsakes) -> Request:
    """The request with the thinking that its client has dropped; the very same where nothing is missing."""
    if not len(keepsakes):
        return request
    messages = tuple([_restored(message, keepsakes) for message in request.messages])
    if all(new is old for new, old in zip(messages, request.messages, strict=True)):
        return request
    return structs.replace(request, messages=messages)


def _restored(message: Message, keepsakes: Keepsakes) -> Message:
    calls = [block.id for block in message.content if isinstance(block, ToolCall)]
    if message.role != "assistant" or not calls:
        return message
    kept = {call_id: blocks for call_id in calls if (blocks := keepsakes.recall(call_id))}
    own = [block for block in message.content if isinstance(block, Thinking)]
    said = "".join(block.text for block in own)
    lost = all(block.native is None for block in own) and said in {"", _text(kept.values())}
    if not kept or not lost:
        return message
    return structs.replace(message, content=_with(message.content, kept, calls[0]))


def _with(content: tuple[Block, ...], kept: dict[str, Blocks], first: str) -> tuple[Block, ...]:
    """What led to the first call stands in front, as providers demand; the rest before its own call."""
    blocks: list[Block] = list(kept.get(first, ()))
    for block in content:
        if isinstance(block, ToolCall) and block.id != first:
            blocks += kept.get(block.id, ())
        if not isinstance(block, Thinking):
            blocks.append(block)
    return tuple(blocks)


def _text(groups: Iterable[Blocks]) -> str:
    return "".join(block.text for blocks in groups for block in blocks)


def _size(block: Thinking) -> int:
    native = 0 if block.native is None else len(encode(block.native.data))
    return len(block.text.encode("utf-8", "replace")) + native

"""Keepsakes: opaque state kept for clients whose dialect has no field for it, under the calls it belongs to.

A provider that signed its thinking wants it back in front of the tool call that came of it; another signs the
call itself, and refuses the next turn without that. Clients that drop fields they don't know, or have no such
field, would lose it, so it is put back here. Nothing is ever hidden inside an id.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct, structs

from pointsman.canon.blocks import Block, Native, Thinking, ToolCall
from pointsman.canon.events import BlockStart, Event, NativeDelta, ThinkingDelta
from pointsman.canon.request import Message, Request
from pointsman.dialects.gather import merge_native
from pointsman.gateway.place import places
from pointsman.wire.json import encode

Blocks = tuple[Thinking, ...]
_DISPUTED = object()
"""Owns what several answers have claimed."""
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
    native: Native | None
    """The call's own state."""
    size: int
    used: float
    answer: object
    """Whose it is; only the same may say more of it."""


class Keepsakes:
    """One endpoint's, by place and tool-call id; what was not asked for the longest goes first."""

    def __init__(self, clock: Callable[[], float], bounds: Bounds | None = None) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self.size = 0
        """Bytes held."""

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: str, blocks: Blocks, native: Native | None = None, answer: object = None) -> None:
        """Keeps the thinking that led to a call, and the call's own state, for `answer`.

        What is too much for all of the room is not kept, and nothing of what another answer said otherwise.
        """
        earlier = self._kept.get(key)
        if earlier is not None and earlier.answer is not answer:
            same = (earlier.blocks, earlier.native) == (blocks, native)
            if earlier.answer is _DISPUTED or not same:
                blocks, native, answer = (), None, _DISPUTED
        self._forget(key)
        size = ENTRY_BYTES + len(key) + sum(_size(block) for block in blocks) + _state_size(native)
        if size <= self._bounds.size:
            self._kept[key] = _Kept(blocks, native, size, self._clock(), answer)
            self.size += size
        self._tidy()

    def recall(self, key: str) -> Blocks:
        """The thinking that led to a call; empty where none is kept."""
        kept = self._found(key)
        return () if kept is None else kept.blocks

    def recall_state(self, key: str) -> Native | None:
        """The call's own state."""
        kept = self._found(key)
        return None if kept is None else kept.native

    def _found(self, key: str) -> "_Kept | None":
        self._tidy()
        kept = self._kept.get(key)
        if kept is not None:
            kept.used = self._clock()
            self._kept.move_to_end(key)
        return kept

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size -= kept.size

    def _tidy(self) -> None:
        oldest = self._clock() - self._bounds.age
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            full = len(self._kept) > self._bounds.entries or self.size > self._bounds.size
            if not full and kept.used >= oldest:
                return
            self._forget(key)


class Keeper:
    """Follows one answer; keeps its thinking as soon as a call begins, and what signs the call."""

    def __init__(self, keepsakes: Keepsakes, place: Callable[[], str]) -> None:
        """`place` is asked for once, if there is anything to keep."""
        self._keepsakes = keepsakes
        self._find_place = place
        self._place = ""
        self._open: dict[int, _Growing] = {}
        self._calls: dict[int, tuple[str, Blocks]] = {}
        """The id of each call, and the thinking that led to it."""

    def note(self, event: Event) -> None:
        """Takes in what concerns thinking and calls."""
        step = _STEPS.get(type(event))
        if step is not None:
            step(self, event)

    def grow(self, event: ThinkingDelta | NativeDelta) -> None:
        """More of a thinking, or of a call's own state."""
        growing = self._open.get(event.index)
        if growing is not None:
            growing.add(event)
        elif isinstance(event, NativeDelta) and event.index in self._calls:
            self._keep(*self._calls[event.index], event.native)

    def begin(self, start: BlockStart) -> None:
        """A block of any kind."""
        if start.choice:
            return
        if isinstance(start.block, Thinking):
            self._open[start.index] = _Growing(start.block)
        elif isinstance(start.block, ToolCall):
            self._begin_call(start.index, start.block)

    def _begin_call(self, index: int, call: ToolCall) -> None:
        blocks = tuple(growing.whole() for growing in self._open.values())
        self._open.clear()
        if not call.id:
            return
        signed = blocks if any(block.native is not None for block in blocks) else ()
        self._calls[index] = (call.id, signed)
        if signed or call.native is not None:
            self._keep(call.id, signed, call.native)

    def _keep(self, call_id: str, blocks: Blocks, native: Native | None) -> None:
        self._place = self._place or self._find_place()
        self._keepsakes.keep(self._place + call_id, blocks, native, self)


_STEPS: dict[type[Struct], Callable[[Keeper, Any], None]] = {
    BlockStart: Keeper.begin,
    ThinkingDelta: Keeper.grow,
    NativeDelta: Keeper.grow,
}


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


def restore(request: Request, keepsakes: Keepsakes, who: str) -> Request:
    """The request of `who` with the state that was dropped; the very same where nothing is missing."""
    if not len(keepsakes):
        return request
    messages = tuple(
        [
            _restored(message, keepsakes, place)
            for message, place in zip(request.messages, places(request, who), strict=False)
        ]
    )
    if all(new is old for new, old in zip(messages, request.messages, strict=True)):
        return request
    return structs.replace(request, messages=messages)


def _restored(message: Message, keepsakes: Keepsakes, place: str) -> Message:
    calls = [block.id for block in message.content if isinstance(block, ToolCall)]
    if message.role != "assistant" or not calls:
        return message
    message = _signed(message, keepsakes, place)
    kept = {call_id: blocks for call_id in calls if (blocks := keepsakes.recall(place + call_id))}
    own = [block for block in message.content if isinstance(block, Thinking)]
    said = "".join(block.text for block in own)
    lost = all(block.native is None for block in own) and said in {"", _text(kept.values())}
    if not kept or not lost:
        return message
    return structs.replace(message, content=_with(message.content, kept, calls[0]))


def _signed(message: Message, keepsakes: Keepsakes, place: str) -> Message:
    """The message with the state of its calls; the very same where none is missing."""
    content = tuple([_signed_call(block, keepsakes, place) for block in message.content])
    if all(new is old for new, old in zip(content, message.content, strict=True)):
        return message
    return structs.replace(message, content=content)


def _signed_call(block: Block, keepsakes: Keepsakes, place: str) -> Block:
    if not isinstance(block, ToolCall) or block.native is not None:
        return block
    native = keepsakes.recall_state(place + block.id)
    return block if native is None else structs.replace(block, native=native)


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
    return len(block.text.encode("utf-8", "replace")) + _state_size(block.native)


def _state_size(native: Native | None) -> int:
    return 0 if native is None else len(encode(native.data))

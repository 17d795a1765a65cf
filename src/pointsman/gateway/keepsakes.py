"""Keepsakes: opaque state kept for clients whose dialect has no field for it, under the calls it belongs to.

A provider that signed its thinking wants it back in front of the tool call that came of it; another signs the
call itself, and refuses the next turn without that. Clients that drop fields they don't know, or have no such
field, would lose it, so it is put back here. Nothing is ever hidden inside an id.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from pointsman.canon.blocks import Block, Native, Text, Thinking, ToolCall
from pointsman.canon.events import BlockStart, Event, NativeDelta, TextDelta, ThinkingDelta
from pointsman.canon.request import Message, Request
from pointsman.dialects.gather import merge_native
from pointsman.gateway.place import places
from pointsman.wire.json import encode

Blocks = tuple[Thinking, ...]
ENTRY_BYTES = 256
"""What an entry takes beside its text and state."""
TELL_EVERY = 300.0
"""Seconds of use after which it is told anew that something is still in use."""


class Bounds(Struct, frozen=True):
    """How much is kept, and for how long."""

    entries: int = 4096
    size: int = 32 * 1024 * 1024
    """Bytes."""
    age: float = 24 * 3600.0
    """Seconds since it was last asked for: who goes on with a conversation the next morning still has it."""


class Keepsake(Struct, frozen=True):
    """What led to a call, and the call's own state."""

    blocks: Blocks = ()
    native: Native | None = None
    answer: str = ""
    """Whose it is; only the same may say more of it. Empty where several claimed the call."""
    behind: tuple[int, ...] = ()
    """Behind how many characters of the answer's text each block stood; none where all stood in front."""

    @property
    def issuer(self) -> str:
        """Who issued the state."""
        natives = (self.native, *(block.native for block in self.blocks))
        return next((native.issuer for native in natives if native is not None), "")

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(_size(block) for block in self.blocks) + _state_size(self.native)


DISPUTED = Keepsake()
"""What several answers claimed, each otherwise: nobody gets it."""


class Change(Struct, frozen=True):
    """What is not saved yet of one call."""

    key: str
    issuer: str
    kept: Keepsake
    idle: float
    """Seconds since it was last asked for."""


class _Entry(Struct):
    claims: dict[str, Keepsake]
    """By issuer: an answer of one doesn't contest what another's said."""
    size: int
    used: float
    told: float
    """When its use was told the last time."""


class Keepsakes:
    """One endpoint's, by place and tool-call id; what was not asked for the longest goes first."""

    def __init__(self, clock: Callable[[], float], bounds: Bounds | None = None) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self.bounds = bounds or Bounds()
        self._kept: OrderedDict[str, _Entry] = OrderedDict()
        self._changed: dict[str, None] = {}
        self.size = 0
        """Bytes held."""

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, key: str, kept: Keepsake) -> None:
        """Keeps what came with a call.

        What is too much for all of the room is not kept, and nothing of what another answer of the same
        issuer said otherwise.
        """
        entry = self._kept.get(key)
        claims = {} if entry is None else entry.claims
        issuer = kept.issuer
        self._put(key, {**claims, issuer: agreed(claims.get(issuer), kept)}, self._clock())
        if key in self._kept:
            self._changed[key] = None
        self._tidy()

    def recall(self, key: str, issuer: str = "") -> Keepsake:
        """What came with a call; of another issuer where this one said nothing of it."""
        self._tidy()
        entry = self._kept.get(key)
        if entry is None:
            return DISPUTED
        entry.used = self._clock()
        self._kept.move_to_end(key)
        if entry.used - entry.told >= TELL_EVERY:
            self._changed[key] = None
        return entry.claims.get(issuer) or next(iter(entry.claims.values()))

    def restore(self, key: str, issuer: str, kept: Keepsake, idle: float) -> None:
        """One that was saved; the oldest come first."""
        entry = self._kept.get(key)
        claims = {} if entry is None else entry.claims
        self._put(key, {**claims, issuer: kept}, self._clock() - idle)
        self._tidy()

    def taken_changes(self) -> list[Change]:
        """What is new since the last call."""
        now = self._clock()
        entries = [(key, self._kept[key]) for key in self._changed]
        self._changed.clear()
        for _, entry in entries:
            entry.told = now
        return [
            Change(key, issuer, kept, now - entry.used)
            for key, entry in entries
            for issuer, kept in entry.claims.items()
        ]

    def _put(self, key: str, claims: dict[str, Keepsake], used: float) -> None:
        self._forget(key)
        size = sum(ENTRY_BYTES + len(key) + kept.size for kept in claims.values())
        if size <= self.bounds.size:
            self._kept[key] = _Entry(claims, size, used, used)
            self.size += size

    def _forget(self, key: str) -> None:
        self._changed.pop(key, None)
        entry = self._kept.pop(key, None)
        if entry is not None:
            self.size -= entry.size

    def _tidy(self) -> None:
        oldest = self._clock() - self.bounds.age
        while self._kept:
            key, entry = next(iter(self._kept.items()))
            full = len(self._kept) > self.bounds.entries or self.size > self.bounds.size
            if not full and entry.used >= oldest:
                return
            self._forget(key)


def agreed(earlier: Keepsake | None, later: Keepsake) -> Keepsake:
    """What holds of a call that was claimed before."""
    if earlier is None or (earlier.answer and earlier.answer == later.answer):
        return later
    if earlier.answer and _state(earlier) == _state(later):
        return earlier
    return DISPUTED


def _state(kept: Keepsake) -> tuple[object, ...]:
    """What two answers must have in common to say the same."""
    return (_own(kept.native), *((block.text, _own(block.native)) for block in kept.blocks))


def _own(native: Native | None) -> object:
    """State without the name that this copy of it has, which some providers make anew each time."""
    if native is None:
        return None
    return native.dialect, native.issuer, {**native.data, "id": None}


class Keeper:
    """Follows one answer; keeps its thinking as soon as a call begins, and what signs the call."""

    def __init__(self, keepsakes: Keepsakes, place: Callable[[], str], answer: str) -> None:
        """`place` is asked for once, if there is anything to keep; `answer` names this one and no other."""
        self._keepsakes = keepsakes
        self._answer = answer
        self._find_place = place
        self._place = ""
        self._open: dict[int, _Growing] = {}
        self._said = 0
        """Characters of text so far."""
        self._calls: dict[int, tuple[str, Keepsake]] = {}
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
            call_id, kept = self._calls[event.index]
            self._keep(call_id, structs.replace(kept, native=event.native))

    def begin(self, start: BlockStart) -> None:
        """A block of any kind."""
        if start.choice:
            return
        if isinstance(start.block, Thinking):
            self._open[start.index] = _Growing(start.block, self._said)
        elif isinstance(start.block, Text):
            self._said += len(start.block.text)
        elif isinstance(start.block, ToolCall):
            self._begin_call(start.index, start.block)

    def _begin_call(self, index: int, call: ToolCall) -> None:
        led = tuple(self._open.values())
        self._open.clear()
        if not call.id:
            return
        blocks = tuple([growing.whole() for growing in led])
        kept = Keepsake(native=call.native, answer=self._answer)
        if any(block.native is not None for block in blocks):
            behind = tuple([growing.behind for growing in led])
            kept = structs.replace(kept, blocks=blocks, behind=behind if any(behind) else ())
        self._calls[index] = (call.id, kept)
        if kept.blocks or call.native is not None:
            self._keep(call.id, kept)

    def say(self, event: TextDelta) -> None:
        """More text; other choices than the first have no place of their own."""
        self._said += len(event.text)

    def _keep(self, call_id: str, kept: Keepsake) -> None:
        self._place = self._place or self._find_place()
        self._keepsakes.keep(self._place + call_id, kept)


_STEPS: dict[type[Struct], Callable[[Keeper, Any], None]] = {
    BlockStart: Keeper.begin,
    TextDelta: Keeper.say,
    ThinkingDelta: Keeper.grow,
    NativeDelta: Keeper.grow,
}


class _Growing:
    """A thinking block and what came after its start."""

    def __init__(self, block: Thinking, behind: int) -> None:
        self.behind = behind
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


def restore(
    request: Request, keepsakes: Keepsakes, who: str, issuer: str = "", *, calls_alone: bool = False
) -> Request:
    """The request of `who` with the state that was dropped; the very same where nothing is missing.

    It is that of `issuer`, whom the request goes to, where that one said something. `calls_alone`: what signs
    calls, and no thinking, which a client of the same dialect may leave out for a reason.
    """
    if not len(keepsakes):
        return request
    put_back = _signed if calls_alone else _restored
    messages = tuple(
        [
            _completed(message, lambda call_id, at=place: keepsakes.recall(at + call_id, issuer), put_back)
            for message, place in zip(request.messages, places(request, who), strict=False)
        ]
    )
    if all(new is old for new, old in zip(messages, request.messages, strict=True)):
        return request
    return structs.replace(request, messages=messages)


def _completed(
    message: Message,
    recall: Callable[[str], Keepsake],
    put_back: Callable[[Message, Mapping[str, Keepsake]], Message],
) -> Message:
    """The message with what is recalled of its calls."""
    calls = [block.id for block in message.content if isinstance(block, ToolCall)]
    if message.role != "assistant" or not calls:
        return message
    return put_back(message, {call_id: recall(call_id) for call_id in calls})


def _restored(message: Message, found: Mapping[str, Keepsake]) -> Message:
    """The message with the state of its calls, and the thinking that led to them."""
    message = _signed(message, found)
    kept = {call_id: each for call_id, each in found.items() if each.blocks}
    own = [block for block in message.content if isinstance(block, Thinking)]
    said, led = "".join(block.text for block in own), _text(each.blocks for each in kept.values())
    lost = all(block.native is None for block in own) and said in {"", led}
    if not kept or not lost:
        return message
    return structs.replace(message, content=_with(message.content, kept, next(iter(found))))


def _signed(message: Message, found: Mapping[str, Keepsake]) -> Message:
    """The message with the state of its calls; the very same where none is missing."""
    content = tuple([_signed_call(block, found) for block in message.content])
    if all(new is old for new, old in zip(content, message.content, strict=True)):
        return message
    return structs.replace(message, content=content)


def _signed_call(block: Block, found: Mapping[str, Keepsake]) -> Block:
    if not isinstance(block, ToolCall) or block.native is not None:
        return block
    native = found[block.id].native
    return block if native is None else structs.replace(block, native=native)


def _with(content: tuple[Block, ...], kept: Mapping[str, Keepsake], first: str) -> tuple[Block, ...]:
    """What led to the first call stands where it stood, in front of it; the rest before its own call."""
    led = kept.get(first, DISPUTED)
    behind = led.behind if len(led.behind) == len(led.blocks) else (0,) * len(led.blocks)
    waiting = list(zip(behind, led.blocks, strict=True))[::-1]
    blocks: list[Block] = []
    length = 0
    for block in content:
        if isinstance(block, Text):
            blocks += _parted(block, length, waiting)
            length += len(block.text)
        elif isinstance(block, ToolCall):
            blocks += [each for _, each in reversed(waiting)]
            waiting.clear()
            blocks += () if block.id == first else kept.get(block.id, DISPUTED).blocks
            blocks.append(block)
        elif not isinstance(block, Thinking):
            blocks += _due(waiting, length)
            blocks.append(block)
    return tuple(blocks)


def _parted(text: Text, length: int, waiting: list[tuple[int, Thinking]]) -> Iterator[Block]:
    """A text that stands behind so much text, cut where thinking stood in it; `waiting` has the next last."""
    yield from _due(waiting, length)
    rest, begun = text, length
    while waiting and waiting[-1][0] < length + len(text.text):
        cut = waiting[-1][0]
        yield structs.replace(rest, text=rest.text[: cut - begun])
        rest, begun = structs.replace(rest, text=rest.text[cut - begun :]), cut
        yield from _due(waiting, cut)
    yield rest


def _due(waiting: list[tuple[int, Thinking]], length: int) -> Iterator[Thinking]:
    while waiting and waiting[-1][0] <= length:
        yield waiting.pop()[1]


def _text(groups: Iterable[Blocks]) -> str:
    return "".join(block.text for blocks in groups for block in blocks)


def _size(block: Thinking) -> int:
    return len(block.text.encode("utf-8", "replace")) + _state_size(block.native)


def _state_size(native: Native | None) -> int:
    return 0 if native is None else len(encode(native.data))

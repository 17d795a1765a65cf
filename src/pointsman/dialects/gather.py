"""Gathering: the events of an answer, folded into one value.

A block grows from its start by its deltas. Text, thinking and arguments append; citations are collected;
opaque state is merged member by member, the later one winning; what a dialect attaches to a piece of text is
merged, lists being joined (log probabilities). An unknown delta grows an unknown block of its own dialect:
strings append, everything else replaces. Unknown events have no place in an answer and are left out.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from msgspec import UNSET, Struct, structs

from pointsman.canon.blocks import (
    SPELLING,
    Block,
    Citation,
    Native,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from pointsman.canon.errors import RefusedError, TruncatedError
from pointsman.canon.events import (
    Answer,
    ArgumentsDelta,
    BlockStart,
    Choice,
    CitationDelta,
    Event,
    Failure,
    MessageEnd,
    MessageStart,
    NativeDelta,
    Stop,
    TextDelta,
    ThinkingDelta,
    UnknownDelta,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage


def gather(events: Iterable[Event]) -> Answer:
    """The whole answer. Raises TruncatedError if it has no end, RefusedError if it holds a failure."""
    gathering = _Gathering()
    for event in events:
        step = _STEPS.get(type(event))
        if step is not None:
            step(gathering, event)
    return gathering.answer()


def merge_usage(earlier: Usage | None, later: Usage) -> Usage:
    """The counts of both; `later` replaces the fields that it names.

    Member by member, since some upstreams report with every piece of an answer.
    """
    if earlier is None:
        return later
    return Usage(
        earlier.input if later.input is None else later.input,
        earlier.cache_read if later.cache_read is None else later.cache_read,
        earlier.cache_write_5m if later.cache_write_5m is None else later.cache_write_5m,
        earlier.cache_write_1h if later.cache_write_1h is None else later.cache_write_1h,
        earlier.output if later.output is None else later.output,
        earlier.reasoning if later.reasoning is None else later.reasoning,
        earlier.service_tier if later.service_tier is None else later.service_tier,
        _merged(earlier.extra, later.extra),
    )


def _merged(earlier: Json, later: Json) -> Json:
    """Both; null says nothing where something was said before."""
    if None in later.values():
        later = {name: value for name, value in later.items() if value is not None or name not in earlier}
    return {**earlier, **later}


def merge_native(earlier: Native | None, later: Native) -> Native:
    """Opaque state that came in pieces, as one."""
    if earlier is None or (earlier.dialect, earlier.issuer) != (later.dialect, later.issuer):
        return later
    return Native(later.dialect, later.issuer, {**earlier.data, **later.data})


class _Growing:
    """A block and what came after its start."""

    def __init__(self, start: BlockStart) -> None:
        self.block: Block = start.block
        self.choice = start.choice
        self.texts: list[str] = []
        self.citations: list[Citation] = []
        self.native: Native | None = getattr(start.block, "native", None)
        self.extra: Json = getattr(start.block, "extra", {})

    def whole(self) -> Block:
        """The block with everything that was added to it."""
        finish = _FINISH.get(type(self.block))
        return self.block if finish is None else finish(self, self.block)


def _text(growing: _Growing, block: Text) -> Block:
    return structs.replace(
        block,
        text=block.text + "".join(growing.texts),
        citations=(*block.citations, *growing.citations),
        extra=growing.extra,
    )


def _refusal(growing: _Growing, block: Refusal) -> Block:
    return structs.replace(block, text=block.text + "".join(growing.texts), extra=growing.extra)


def _thinking(growing: _Growing, block: Thinking) -> Block:
    return structs.replace(block, text=block.text + "".join(growing.texts), native=growing.native)


def _tool_call(growing: _Growing, block: ToolCall) -> Block:
    return structs.replace(block, arguments=block.arguments + "".join(growing.texts), native=growing.native)


def _server_tool(growing: _Growing, block: ServerTool) -> Block:
    return structs.replace(block, native=growing.native or block.native)


_FINISH: dict[type, Callable[[_Growing, Any], Block]] = {
    Text: _text,
    Refusal: _refusal,
    Thinking: _thinking,
    ToolCall: _tool_call,
    ServerTool: _server_tool,
}


class _Gathering:
    """The answer as far as it has come."""

    def __init__(self) -> None:
        self.start = MessageStart()
        self.blocks: dict[int, _Growing] = {}
        self.stops: dict[int, Stop] = {}
        self.usage: Usage | None = None
        self.end: MessageEnd | None = None

    def begin(self, event: MessageStart) -> None:
        self.start = event
        if event.usage is not None:
            self.count(UsageReport(event.usage))

    def open(self, event: BlockStart) -> None:
        self.blocks[event.index] = _Growing(event)

    def append(self, event: TextDelta | ThinkingDelta | ArgumentsDelta) -> None:
        growing = self.blocks.get(event.index)
        if growing is None:
            return
        growing.texts.append(event.text)
        if type(event) is TextDelta and event.extra:
            growing.extra = _joined(growing.extra, _lasting(event.extra))

    def cite(self, event: CitationDelta) -> None:
        growing = self.blocks.get(event.index)
        if growing is not None:
            growing.citations.append(event.citation)

    def mark(self, event: NativeDelta) -> None:
        growing = self.blocks.get(event.index)
        if growing is not None:
            growing.native = merge_native(growing.native, event.native)

    def grow_unknown(self, event: UnknownDelta) -> None:
        growing = self.blocks.get(event.index)
        if growing is None or not isinstance(growing.block, Unknown):
            return
        if growing.block.dialect == event.dialect:
            growing.block = Unknown(event.dialect, _grown(growing.block.data, event.data))

    def count(self, event: UsageReport) -> None:
        self.usage = merge_usage(self.usage, event.usage)

    def stop(self, event: Stop) -> None:
        self.stops[event.choice] = event

    def finish(self, event: MessageEnd) -> None:
        self.end = event

    def fail(self, event: Failure) -> None:
        raise RefusedError(event.fault)

    def answer(self) -> Answer:
        if self.end is None:
            raise TruncatedError("the upstream's answer ended before its end; ask again")
        return Answer(
            id=self.start.id,
            model=self.start.model,
            created=self.start.created,
            choices=self._choices(),
            usage=self.usage,
            extra={**self.start.extra, **self.end.extra},
            dialect=self.start.dialect,
        )

    def _choices(self) -> tuple[Choice, ...]:
        in_order = [self.blocks[index] for index in sorted(self.blocks)]
        numbers = [growing.choice for growing in in_order] + list(self.stops)
        return tuple(
            Choice(
                tuple(growing.whole() for growing in in_order if growing.choice == number),
                self.stops.get(number),
            )
            # Only those that came: an upstream may number them as high as it likes.
            for number in sorted(set(numbers))
        )


_STEPS: dict[type[Struct], Callable[[_Gathering, Any], None]] = {
    MessageStart: _Gathering.begin,
    BlockStart: _Gathering.open,
    TextDelta: _Gathering.append,
    ThinkingDelta: _Gathering.append,
    ArgumentsDelta: _Gathering.append,
    CitationDelta: _Gathering.cite,
    NativeDelta: _Gathering.mark,
    UnknownDelta: _Gathering.grow_unknown,
    UsageReport: _Gathering.count,
    Stop: _Gathering.stop,
    MessageEnd: _Gathering.finish,
    Failure: _Gathering.fail,
}


def _lasting(extra: Json) -> Json:
    """What a piece says of its block; how it was spelled is the piece's alone."""
    return {name: extra[name] for name in extra if name != SPELLING} if SPELLING in extra else extra


def _joined(earlier: Any, later: Any) -> Any:
    """Both, objects member by member, arrays end to end; else the later, unless it is null."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        old = cast("dict[str, Any]", earlier)
        new = cast("dict[str, Any]", later)
        return {**old, **{key: _joined(old.get(key), value) for key, value in new.items()}}
    if isinstance(earlier, list) and isinstance(later, list):
        return [*cast("list[Any]", earlier), *cast("list[Any]", later)]
    return cast("Any", earlier) if later is None else later


def _grown(data: Json, delta: Json) -> Json:
    grown = dict(data)
    for key, value in delta.items():
        if key == "type":
            continue
        before = grown.get(key, UNSET)
        grown[key] = before + value if isinstance(before, str) and isinstance(value, str) else value
    return grown

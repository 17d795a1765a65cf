"""Answers: to canonical events, streamed and whole.

A stream is read as server-sent events, one for each message of the event stream (`wire/event_frames.py`):
`messageStart`, then for each block perhaps `contentBlockStart`, deltas and `contentBlockStop`, then
`messageStop` and, last of all, `metadata` with the counts (docs.aws.amazon.com, "ConverseStream"). A block
of text or thinking has no start of its own: its first delta opens it. Events carry a member `p`, padding
that says nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING, Block, Native, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.canon.errors import MalformedError
from pointsman.canon.events import (
    BlockEnd,
    BlockStart,
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
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.answer import MESSAGE
from pointsman.dialects.bedrock_converse.blocks import (
    decode_block,
    decode_blocks,
    decode_citation,
    thinking_native,
)
from pointsman.dialects.bedrock_converse.call import CallReader, ServedReader
from pointsman.dialects.bedrock_converse.errors import parse_event
from pointsman.dialects.bedrock_converse.usage import read_usage
from pointsman.dialects.bedrock_converse.words import FAILED, NAME, REASONS
from pointsman.dialects.dialect import Origin
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.framed import FramedDecoder, garbled
from pointsman.wire.fields import as_integer, as_object, as_text
from pointsman.wire.json import decode_part
from pointsman.wire.sse import Frame
from pointsman.wire.surrogates import SurrogateJoiner

INDEX = "contentBlockIndex"
_PADDING = "p"


class StreamDecoder(FramedDecoder):
    """Bytes of a stream → events."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin, _Reading(origin), NAME, "its `metadata`")


class _Reading:
    """The answer as far as it has come: one step for each type of event and of delta."""

    def __init__(self, origin: Origin) -> None:
        self.over = False
        self._origin = origin
        self._stopped = False
        self._open: dict[int, Block] = {}
        self._joiners: dict[int, SurrogateJoiner] = {}
        self._calls: dict[int, CallReader] = {}
        self._served: dict[int, ServedReader] = {}

    def read(self, frame: Frame, events: list[Event]) -> None:
        """Add the events of one frame. Raises MalformedError."""
        if self.over:
            return
        wire = decode_part(frame.data)
        step = _EVENTS.get(frame.event)
        if step is None:
            events.append(UnknownEvent(NAME, frame.event, wire))
            return
        known = _MEMBERS.get(frame.event)
        if known is not None and not known.issuperset(wire):
            events.append(_beside({key: wire[key] for key in wire if key not in known}))
        step(self, wire, events)

    def message_start(self, wire: Json, events: list[Event]) -> None:
        events.append(_start({key: value for key, value in wire.items() if key != _PADDING}))

    def block_start(self, wire: Json, events: list[Event]) -> None:
        index = _index(wire)
        start = as_object(wire.get("start") or {}, "start")
        if not start:
            return
        known = not _STARTED.isdisjoint(start)
        block = decode_block(start, "start", self._origin.issuer) if known else Unknown(NAME, start)
        if isinstance(block, ToolCall):
            reader = self._calls[index] = CallReader(index, structs.replace(block, form=""), self._origin)
            block = reader.start
        elif isinstance(block, ServerTool):
            self._served[index] = ServedReader(index, block)
        else:
            block = Unknown(NAME, start)
        self._begin(index, block, events)

    def _begin(self, index: int, block: Block, events: list[Event]) -> None:
        self._open[index] = block
        events.append(BlockStart(index, block, dialect=NAME))

    def block_delta(self, wire: Json, events: list[Event]) -> None:
        index = _index(wire)
        delta = as_object(wire.get("delta"), "delta")
        kind = next(iter(delta), "")
        step = _DELTAS.get(kind)
        if step is None or len(delta) != 1:
            if index not in self._open:
                self._begin(index, Unknown(NAME, {}), events)
            self._pass_on(index, delta, events)
        else:
            step(self, index, delta[kind], events)

    def _pass_on(self, index: int, delta: Json, events: list[Event]) -> None:
        served = self._served.get(index)
        if served is not None:
            served.feed(delta)
        events.append(UnknownDelta(index, NAME, delta))

    def text_delta(self, index: int, value: object, events: list[Event]) -> None:
        text = as_text(value, "delta.text")
        if index not in self._open:
            self._begin(index, Text(""), events)
        events.append(TextDelta(index, self._joined(index, text)))

    def _joined(self, index: int, text: str) -> str:
        if text.isascii() and index not in self._joiners:
            return text
        return self._joiners.setdefault(index, SurrogateJoiner()).feed(text)

    def reasoning_delta(self, index: int, value: object, events: list[Event]) -> None:
        wire = as_object(value, "delta.reasoningContent")
        redacted = "redactedContent" in wire
        native = thinking_native(wire, self._origin.issuer)
        if index not in self._open:
            state = native if redacted else None
            self._begin(index, Thinking("", state, redacted=redacted), events)
            if redacted:
                return
        if "text" in wire:
            extra = {key: wire[key] for key in wire if key != "text"}
            text = as_text(wire["text"], "delta.reasoningContent.text")
            events.append(ThinkingDelta(index, self._joined(index, text), extra, NAME))
        elif native is not None:
            events.append(NativeDelta(index, native))
        else:
            events.append(UnknownDelta(index, NAME, {"reasoningContent": wire}))

    def tool_delta(self, index: int, value: object, events: list[Event]) -> None:
        wire = as_object(value, "delta.toolUse")
        text = as_text(wire.get("input", ""), "delta.toolUse.input")
        reader = self._calls.get(index)
        if reader is not None:
            events.extend(reader.feed(text, {key: wire[key] for key in wire if key != "input"}))
            return
        if index not in self._open:
            raise MalformedError(f"there is more of a call that has not begun: {index}", param=INDEX)
        self._pass_on(index, {"toolUse": wire}, events)

    def citation_delta(self, index: int, value: object, events: list[Event]) -> None:
        wire = as_object(value, "delta.citation")
        if index not in self._open:
            self._begin(index, Text(""), events)
        events.append(CitationDelta(index, decode_citation(wire, self._origin.issuer)))

    def block_stop(self, wire: Json, events: list[Event]) -> None:
        index = _index(wire)
        if index not in self._open:  # nothing was said in it, as in an empty text
            self._begin(index, Text(""), events)
        block = self._open.pop(index)
        joiner = self._joiners.pop(index, None)
        rest = "" if joiner is None else joiner.close()
        if rest:
            thought = isinstance(block, Thinking)
            events.append(ThinkingDelta(index, rest) if thought else TextDelta(index, rest))
        reader = self._calls.pop(index, None)
        if reader is not None:
            events.extend(reader.close())
        served = self._served.pop(index, None)
        if served is not None:
            events.extend(served.close())
        events.append(BlockEnd(index))

    def message_stop(self, wire: Json, events: list[Event]) -> None:
        self._stopped = True
        events.append(_stop({key: value for key, value in wire.items() if key != _PADDING}))

    def metadata(self, wire: Json, events: list[Event]) -> None:
        if not self._stopped:
            raise MalformedError("the counts came before the end of the answer", param="metadata")
        usage = wire.get("usage")
        if isinstance(usage, dict):
            events.append(UsageReport(read_usage(cast("Json", usage), wire.get("serviceTier"))))
        self.over = True
        rest = {key: value for key, value in wire.items() if key not in ("usage", _PADDING)}
        events.append(_end(rest))

    def error(self, wire: Json, events: list[Event]) -> None:
        self.over = True
        events.append(Failure(parse_event(wire)))


_EVENTS: dict[str, Callable[[Any, Json, list[Event]], None]] = {
    "messageStart": _Reading.message_start,
    "contentBlockStart": _Reading.block_start,
    "contentBlockDelta": _Reading.block_delta,
    "contentBlockStop": _Reading.block_stop,
    "messageStop": _Reading.message_stop,
    "metadata": _Reading.metadata,
    "error": _Reading.error,
}

_MEMBERS: dict[str, frozenset[str]] = {
    "contentBlockStart": frozenset({INDEX, "start", _PADDING}),
    "contentBlockDelta": frozenset({INDEX, "delta", _PADDING}),
    "contentBlockStop": frozenset({INDEX, _PADDING}),
}
"""The members of the events that keep no others themselves."""

_STARTED = frozenset({"toolUse", "toolResult"})
"""The kinds of blocks that begin as they are in a whole answer, without their content."""

_DELTAS: dict[str, Callable[[Any, int, object, list[Event]], None]] = {
    "text": _Reading.text_delta,
    "reasoningContent": _Reading.reasoning_delta,
    "toolUse": _Reading.tool_delta,
    "citation": _Reading.citation_delta,
}


def _beside(extra: Json) -> UnknownEvent:
    """What the next event says besides, ahead of it; named by its members, for whoever drops them."""
    return UnknownEvent(NAME, ", ".join(unsaid(extra)), {SPELLING: extra})


def _index(wire: Json) -> int:
    index = wire.get(INDEX)
    return index if type(index) is int else as_integer(index, INDEX)


def _start(message: Json) -> MessageStart:
    """What is said of a message beside its content; that an assistant speaks goes without saying."""
    odd = {key: value for key, value in message.items() if (key, value) != ("role", "assistant")}
    return MessageStart(extra={MESSAGE: odd} if odd else {}, dialect=NAME)


def _end(rest: dict[str, Any]) -> MessageEnd:
    """How long AWS took is no part of the answer: another dialect loses nothing with it."""
    timed = {SPELLING: {"metrics": rest.pop("metrics")}} if "metrics" in rest else {}
    return MessageEnd({**rest, **timed}, NAME)


def _stop(wire: Json) -> Stop:
    raw = wire.get("stopReason")
    raw = raw if isinstance(raw, str) else None
    extra = {key: value for key, value in wire.items() if key != "stopReason"}
    failed = raw if raw in FAILED else ""
    return Stop(REASONS.get(raw or "", "other"), raw, extra=extra, dialect=NAME, failed=failed or "")


# Whole answers

_STOP_MEMBERS = ("stopReason", "additionalModelResponseFields")


def decode_whole(body: Json, origin: Origin) -> Iterable[Event]:
    """The events of an answer that was not streamed. Raises GarbledError."""
    try:
        return list(_whole(body, origin))
    except MalformedError as error:
        raise garbled(error) from error


def summary(body: Json) -> list[Event]:
    """The usage and the end of an answer that was not streamed. Raises GarbledError."""
    usage = body.get("usage")
    counts = read_usage(cast("Json", usage), body.get("serviceTier")) if isinstance(usage, dict) else None
    return [MessageStart(usage=counts, dialect=NAME), _stop({"stopReason": body.get("stopReason")})]


def _whole(body: Json, origin: Origin) -> Iterator[Event]:
    output = as_object(body.get("output"), "output")
    message = as_object(output.get("message"), "output.message")
    yield _start({key: value for key, value in message.items() if key != "content"})
    blocks = decode_blocks(message.get("content") or [], "output.message.content", origin.issuer)
    for index, block in enumerate(blocks):
        yield from _opened(index, block, origin)
        yield BlockEnd(index)
    yield _stop({name: body[name] for name in _STOP_MEMBERS if name in body})
    usage = body.get("usage")
    if isinstance(usage, dict):
        yield UsageReport(read_usage(cast("Json", usage), body.get("serviceTier")))
    known = ("output", "usage", *_STOP_MEMBERS)
    yield _end({name: value for name, value in body.items() if name not in known})


def _opened(index: int, block: Block, origin: Origin) -> Iterator[Event]:
    """A block as its start and its deltas, as a stream would say it."""
    if isinstance(block, ToolCall):
        reader = CallReader(index, block, origin)
        yield BlockStart(index, reader.start, dialect=NAME)
        yield from reader.feed(block.arguments, {})
        yield from reader.close()
    elif isinstance(block, Text):
        yield BlockStart(index, Text("", extra=block.extra), dialect=NAME)
        yield TextDelta(index, block.text)
        yield from (CitationDelta(index, citation) for citation in block.citations)
    elif isinstance(block, Thinking) and not block.redacted:
        yield BlockStart(index, Thinking("", extra=block.extra), dialect=NAME)
        yield ThinkingDelta(index, block.text)
        if isinstance(block.native, Native):
            yield NativeDelta(index, block.native)
    else:
        yield BlockStart(index, block, dialect=NAME)

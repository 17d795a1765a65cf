"""Answers: to canonical events, streamed and whole.

A stream is `message_start`, then for each block `content_block_start`, deltas and `content_block_stop`, then
`message_delta` and `message_stop`; `ping` and `error` may stand anywhere (platform.claude.com, "Streaming
messages"). A decoder is open until `message_stop` or `error`; what comes later is passed over.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Native, ServerTool, Text, Thinking, ToolCall
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
    Ping,
    Stop,
    TextDelta,
    ThinkingDelta,
    UnknownDelta,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.blocks import decode_block, decode_blocks, native_signature
from pointsman.dialects.anthropic.call import CallReader
from pointsman.dialects.anthropic.citations import decode_citation
from pointsman.dialects.anthropic.errors import parse_event
from pointsman.dialects.anthropic.usage import UsageReader
from pointsman.dialects.anthropic.words import NAME, REASONS
from pointsman.dialects.dialect import Origin
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.framed import FramedDecoder, garbled
from pointsman.wire.fields import as_integer, as_object, as_text
from pointsman.wire.json import decode_part
from pointsman.wire.sse import Frame
from pointsman.wire.surrogates import SurrogateJoiner

_STOP_FIELDS = ("stop_reason", "stop_sequence", "stop_details")
_STARTED = {"id", "model", "usage", "content"}


class StreamDecoder(FramedDecoder):
    """Bytes of a stream → events."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin, _Reading(origin), NAME, "`message_stop`")


class _Reading:
    """The answer as far as it has come: one step for each type of event and of delta."""

    def __init__(self, origin: Origin) -> None:
        self.over = False
        self._origin = origin
        self._issuer = origin.issuer
        self._usage = UsageReader()
        self._joiners: dict[int, tuple[SurrogateJoiner, str]] = {}
        self._calls: dict[int, CallReader] = {}
        self._begun: set[int] = set()

    def read(self, frame: Frame, events: list[Event]) -> None:
        """Add the events of one frame. Raises MalformedError."""
        if self.over or frame.data == b"[DONE]":
            return
        wire = decode_part(frame.data)
        name = as_text(wire.get("type") or frame.event, "type")
        if "error" in wire and name not in _EVENTS:
            name = "error"
        step = _EVENTS.get(name)
        if step is None:
            events.append(UnknownEvent(NAME, frame.event or name, wire))
            return
        known = _MEMBERS.get(name)
        if known is not None and len(wire) > len(known):
            events.append(_beside({key: wire[key] for key in wire if key not in known}))
        step(self, wire, events)

    def message_start(self, wire: Json, events: list[Event]) -> None:
        message = as_object(wire.get("message"), "message")
        events.append(_start(message, self._usage))

    def block_start(self, wire: Json, events: list[Event]) -> None:
        index = _index(wire)
        self._begun.add(index)
        block = decode_block(
            as_object(wire.get("content_block"), "content_block"), "content_block", self._issuer
        )
        if isinstance(block, ToolCall | ServerTool):
            reader = self._calls[index] = CallReader(index, block, self._origin)
            events.append(BlockStart(index, reader.start, dialect=NAME))
        else:
            events.append(BlockStart(index, block, dialect=NAME))

    def block_delta(self, wire: Json, events: list[Event]) -> None:
        delta = as_object(wire.get("delta"), "delta")
        step = _DELTAS.get(as_text(delta.get("type", ""), "delta.type"))
        index = self._in_block(wire)
        if step is None:
            events.append(UnknownDelta(index, NAME, delta))
        else:
            step(self, index, delta, events)

    def _in_block(self, wire: Json) -> int:
        """The index of a block that has begun. Raises MalformedError."""
        index = _index(wire)
        if index not in self._begun:
            raise MalformedError(f"there is more of a block that has not begun: {index}", param="index")
        return index

    def text_delta(self, index: int, delta: Json, events: list[Event]) -> None:
        text = as_text(delta.get("text"), "delta.text")
        if not text.isascii() or index in self._joiners:
            text = self._join(index, text, "text")
        if len(delta) == 2:
            events.append(TextDelta(index, text))
        else:
            events.append(TextDelta(index, text, _without(delta, "text"), NAME))

    def thinking_delta(self, index: int, delta: Json, events: list[Event]) -> None:
        text = as_text(delta.get("thinking"), "delta.thinking")
        if not text.isascii() or index in self._joiners:
            text = self._join(index, text, "thinking")
        extra: Json = {} if len(delta) == 2 else _without(delta, "thinking")
        events.append(ThinkingDelta(index, text, extra, NAME))

    def _join(self, index: int, text: str, kind: str) -> str:
        joiner, _ = self._joiners.setdefault(index, (SurrogateJoiner(), kind))
        return joiner.feed(text)

    def json_delta(self, index: int, delta: Json, events: list[Event]) -> None:
        text = as_text(delta.get("partial_json"), "delta.partial_json")
        reader = self._calls.get(index)
        if reader is None:
            events.append(UnknownDelta(index, NAME, delta))
        else:
            events.extend(reader.feed(text, _without(delta, "partial_json") if len(delta) > 2 else {}))

    def signature_delta(self, index: int, delta: Json, events: list[Event]) -> None:
        signature = as_text(delta.get("signature"), "delta.signature")
        native = native_signature(signature, self._issuer) or Native(
            NAME, self._issuer, {"signature": signature}
        )
        events.append(NativeDelta(index, native, extra=_without(delta, "signature"), dialect=NAME))

    def citations_delta(self, index: int, delta: Json, events: list[Event]) -> None:
        citation = as_object(delta.get("citation"), "delta.citation")
        decoded = decode_citation(citation, self._issuer)
        events.append(CitationDelta(index, decoded, _without(delta, "citation"), NAME))

    def block_stop(self, wire: Json, events: list[Event]) -> None:
        index = self._in_block(wire)
        self._begun.remove(index)
        joiner, kind = self._joiners.pop(index, (None, ""))
        rest = "" if joiner is None else joiner.close()
        if rest:
            events.append(TextDelta(index, rest) if kind == "text" else ThinkingDelta(index, rest))
        reader = self._calls.pop(index, None)
        if reader is not None:
            events.extend(reader.close())
        events.append(BlockEnd(index))

    def message_delta(self, wire: Json, events: list[Event]) -> None:
        delta = wire.get("delta")
        if isinstance(delta, dict):
            beside = {name: value for name, value in wire.items() if name not in ("type", "delta", "usage")}
            events.append(_stop(cast("Json", delta), beside))
        usage = wire.get("usage")
        if isinstance(usage, dict):
            events.append(UsageReport(self._usage.read(cast("Json", usage))))

    def message_stop(self, wire: Json, events: list[Event]) -> None:
        self.over = True
        events.append(MessageEnd({name: value for name, value in wire.items() if name != "type"}, NAME))

    def ping(self, wire: Json, events: list[Event]) -> None:
        events.append(Ping())

    def error(self, wire: Json, events: list[Event]) -> None:
        self.over = True
        events.append(Failure(parse_event(wire)))


_EVENTS: dict[str, Callable[[Any, Json, list[Event]], None]] = {
    "message_start": _Reading.message_start,
    "content_block_start": _Reading.block_start,
    "content_block_delta": _Reading.block_delta,
    "content_block_stop": _Reading.block_stop,
    "message_delta": _Reading.message_delta,
    "message_stop": _Reading.message_stop,
    "ping": _Reading.ping,
    "error": _Reading.error,
}

_MEMBERS: dict[str, frozenset[str]] = {
    "message_start": frozenset({"type", "message"}),
    "content_block_start": frozenset({"type", "index", "content_block"}),
    "content_block_delta": frozenset({"type", "index", "delta"}),
    "content_block_stop": frozenset({"type", "index"}),
    "ping": frozenset({"type"}),
}
"""The members of the events that keep no others themselves."""

_DELTAS: dict[str, Callable[[Any, int, Json, list[Event]], None]] = {
    "text_delta": _Reading.text_delta,
    "thinking_delta": _Reading.thinking_delta,
    "input_json_delta": _Reading.json_delta,
    "signature_delta": _Reading.signature_delta,
    "citations_delta": _Reading.citations_delta,
}


def _beside(extra: Json) -> UnknownEvent:
    """What the next event says besides, ahead of it; named by its members, for whoever drops them."""
    return UnknownEvent(NAME, ", ".join(unsaid(extra)), {SPELLING: extra})


def decode_whole(body: Json, origin: Origin) -> Iterable[Event]:
    """The events of an answer that was not streamed. Raises GarbledError."""
    if "error" in body and "content" not in body:
        return [Failure(parse_event(body))]
    try:
        return list(_whole(body, origin))
    except MalformedError as error:
        raise garbled(error) from error


def summary(body: Json) -> list[Event]:
    """The start, usage and end of an answer that was not streamed, or its failure. Raises GarbledError."""
    if "error" in body and "content" not in body:
        return [Failure(parse_event(body))]
    usage = body.get("usage")
    try:
        counts = UsageReader().read(cast("Json", usage)) if isinstance(usage, dict) else None
    except MalformedError as error:
        raise garbled(error) from error
    stop = _stop({name: body[name] for name in _STOP_FIELDS if name in body}, {})
    return [MessageStart(model=_text(body.get("model")), usage=counts, dialect=NAME), stop]


def _whole(body: Json, origin: Origin) -> Iterator[Event]:
    begun = {name: None if name in _STOP_FIELDS else value for name, value in body.items()}
    yield _start(begun, UsageReader())
    for index, block in enumerate(decode_blocks(body.get("content"), "content", origin.issuer)):
        if isinstance(block, ToolCall | ServerTool):
            reader = CallReader(index, block, origin)
            yield BlockStart(index, reader.start, dialect=NAME)
            yield from reader.close()
        else:
            yield from _opened(index, block)
        yield BlockEnd(index)
    yield _stop({name: body[name] for name in _STOP_FIELDS if name in body}, {})
    yield MessageEnd(dialect=NAME)


def _opened(index: int, block: Any) -> Iterator[Event]:
    """A block as its start and its deltas, as a stream would say it."""
    if isinstance(block, Text):
        yield BlockStart(index, Text("", extra=block.extra), dialect=NAME)
        yield TextDelta(index, block.text)
        yield from (CitationDelta(index, citation) for citation in block.citations)
    elif isinstance(block, Thinking) and not block.redacted:
        signed = block.native is not None and bool(block.native.data)
        start = Thinking("", None if signed else block.native, extra=block.extra)
        yield BlockStart(index, start, dialect=NAME)
        yield ThinkingDelta(index, block.text)
        if block.native is not None and signed:
            yield NativeDelta(index, block.native)
    else:
        yield BlockStart(index, block, dialect=NAME)


def _start(message: Json, reader: UsageReader) -> MessageStart:
    usage = message.get("usage")
    return MessageStart(
        id=_text(message.get("id")),
        model=_text(message.get("model")),
        usage=reader.read(cast("Json", usage)) if isinstance(usage, dict) else None,
        extra={name: value for name, value in message.items() if name not in _STARTED},
        dialect=NAME,
    )


def _stop(delta: Json, beside: Json) -> Stop:
    """Why it ended; `extra` also holds both members of the event as they were, for its own dialect."""
    raw = _text(delta.get("stop_reason"))
    details = delta.get("stop_details")
    return Stop(
        reason=REASONS.get(raw or "", "other"),
        raw=raw,
        sequence=_text(delta.get("stop_sequence")),
        details=cast("Json", details) if isinstance(details, dict) else None,
        extra={**beside, **_without(delta, *_STOP_FIELDS), SPELLING: {"delta": delta, "event": beside}},
        dialect=NAME,
    )


def _index(wire: Json) -> int:
    index = wire.get("index")
    return index if type(index) is int else as_integer(index, "index")


def _without(delta: Json, *names: str) -> Json:
    return {key: value for key, value in delta.items() if key != "type" and key not in names}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

"""Answers: from canonical events, streamed.

The frames are those that `wire/event_frames.py` makes of an event stream. Blocks are strictly one after
another: one that begins while another is open waits until that one ends. How the answer ended is said at
its end.
"""

from collections.abc import Callable
from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Block, Native, Refusal, Text, Thinking, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
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
from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage
from pointsman.dialects.bedrock_converse.answer import (
    MESSAGE,
    call_head,
    encode_answer_block,
    encode_stop,
    signature_of,
)
from pointsman.dialects.bedrock_converse.decode import INDEX
from pointsman.dialects.bedrock_converse.encode_blocks import wrapped
from pointsman.dialects.bedrock_converse.errors import error_frame
from pointsman.dialects.bedrock_converse.usage import encode_usage
from pointsman.dialects.bedrock_converse.words import NAME
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.gather import merge_native, merge_usage
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

Wire = dict[str, Any]


class StreamEncoder:
    """Events → frames of a stream."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._own = False
        self._over = False
        self._beside: Json = {}
        self._open: _Open | None = None
        self._waiting: dict[int, list[Event]] = {}
        self._written = 0
        self._kinds: set[type] = set()
        self._usage: Usage | None = None
        self._stop: Stop | None = None
        self._told = False

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        return b"" if self._over else _STEPS[type(event)](self, event)

    def close(self) -> bytes:
        """Nothing: `metadata` has been said."""
        return b""

    def losses(self) -> tuple[Loss, ...]:
        """None beside those of the events."""
        return ()

    def begin(self, event: MessageStart) -> bytes:
        """The head of the message."""
        self._own = event.dialect == NAME
        self._usage = event.usage
        extra: Json = event.extra.get(MESSAGE, {}) if self._own else {}
        return frame(encode({"role": "assistant", **extra}), "messageStart")

    def start(self, event: BlockStart) -> bytes:
        """A block begins, now or when its turn has come; other answers than the first are left out."""
        if event.choice:
            return b""
        if self._open is not None:
            self._waiting[event.index] = [event]
            return b""
        self._kinds.add(type(event.block))
        self._open = _Open(event, self._written, self._asked, own=self._own)
        self._open.take(self._said_beside())
        return self._open.start()

    def _said_beside(self) -> Json:
        beside, self._beside = self._beside, {}
        return beside

    def add(self, event: Any) -> bytes:
        """More of a block, the open one or one that waits."""
        if self._open is not None and event.index == self._open.index:
            self._open.take(self._said_beside())
            return self._open.add(event)
        if event.index in self._waiting:
            self._waiting[event.index].append(event)
        return b""

    def end(self, event: BlockEnd) -> bytes:
        """A block is complete; what waited for it follows."""
        if self._open is None or event.index != self._open.index:
            if event.index in self._waiting:
                self._waiting[event.index].append(event)
            return b""
        return self._close_open() + self._release_next()

    def _release_next(self) -> bytes:
        """The blocks that are whole already, and the first that is not."""
        written = b""
        while self._waiting and self._open is None:
            written += self._release()
        return written

    def _close_open(self) -> bytes:
        if self._open is None:
            return b""
        self._open.take(self._said_beside())
        written = self._open.end()
        self._written += self._open.written
        self._open = None
        return written

    def _release(self) -> bytes:
        """The block that has waited longest, as far as it has come."""
        events = self._waiting.pop(next(iter(self._waiting)))
        return b"".join([_STEPS[type(event)](self, event) for event in events])

    def count(self, event: UsageReport) -> bytes:
        """Kept for the end."""
        self._usage = merge_usage(self._usage, event.usage)
        return b""

    def stop(self, event: Stop) -> bytes:
        """Said behind the last block."""
        if not event.choice:
            self._stop = event
        return b""

    def ping(self, event: Ping) -> bytes:
        """Nothing: the dialect has no sign of life."""
        return b""

    def unknown(self, event: UnknownEvent) -> bytes:
        """An event that only its own dialect can say."""
        if event.dialect != NAME:
            return b""
        beside = event.data.get(SPELLING)
        if isinstance(beside, dict) and len(event.data) == 1:
            self._beside = cast("Json", beside)
            return b""
        told = self._tell() if self._stop is not None and self._open is None else b""
        return told + frame(encode(event.data), event.name)

    def finish(self, event: MessageEnd) -> bytes:
        """The end of the blocks, of the message, and of the stream."""
        written = self._close_open()
        while self._waiting:
            written += self._release() + self._close_open()
        self._over = True
        rest = laid_out(event.extra) if self._own else {}
        counts = {"usage": encode_usage(self._usage, own=self._own)}
        said = {} if self._own and self._usage is None else counts
        return written + self._tell() + frame(encode({**said, **rest}), "metadata")

    def _tell(self) -> bytes:
        """The `messageStop`, once."""
        if self._told:
            return b""
        self._told = True
        return frame(encode(encode_stop(self._stop, self._kinds, own=self._own)), "messageStop")

    def fail(self, event: Failure) -> bytes:
        """The error that ends the stream."""
        self._over = True
        return error_frame(event.fault, self._asked.message_id)


class _Open:
    """The block that is being written. What it is written as is settled by its kind."""

    def __init__(self, event: BlockStart, number: int, asked: Asked, *, own: bool) -> None:
        self.index = event.index
        self._beside: Json = {}
        """Unknown members of the next frame."""
        self.written = 1
        """How many blocks the client has seen of it: 1, or 0 where it cannot be said."""
        self._block: Block = event.block
        self._number = number
        self._asked = asked
        self._own = own
        self._said = False
        self._free: list[str] = []
        self._native: Native | None = getattr(event.block, "native", None)
        self._before = b'event: contentBlockDelta\ndata: {"%b":%d,"delta":' % (INDEX.encode(), number)

    def take(self, beside: Json) -> None:
        """What the next frame says besides."""
        if beside:
            self._beside = {**self._beside, **beside}

    def start(self) -> bytes:
        """The start, where the kind has one, and a delta for what it already holds."""
        block = self._block
        if isinstance(block, ToolCall):
            head = call_head(block, self._asked, self._number, own=self._own)
            wire = wrapped("toolUse", head, block.extra if self._own else {})
            first = self._text(block.arguments) if block.arguments else b""
            return self._frame("contentBlockStart", {"start": wire}) + first
        if isinstance(block, Text | Refusal | Thinking):
            return self._text(block.text) if block.text else b""
        wire = encode_answer_block(block, self._asked, self._number, own=self._own)
        self.written = 0 if wire is None else 1
        return self._frame("contentBlockStart", {"start": wire}) if wire else b""

    def add(self, event: Any) -> bytes:
        """A delta."""
        return _DELTAS[type(event)](self, event) if self.written else b""

    def end(self) -> bytes:
        """What is left to say, and the end."""
        return self._last() + self._frame("contentBlockStop", {}) if self.written else b""

    def _last(self) -> bytes:
        block = self._block
        if isinstance(block, ToolCall):
            if block.kind == "custom":
                return self._delta({"toolUse": {"input": encode({"input": "".join(self._free)}).decode()}})
            return b"" if self._said or self._own else self._text("{}")
        if not isinstance(block, Thinking):
            return b""
        if block.redacted:
            return self._redacted(block)
        sealed = self._native is not None and self._native.dialect != NAME
        sign = self._sign(self._native) if sealed else b""
        return sign if sign or self._said else self._text("")

    def _redacted(self, block: Thinking) -> bytes:
        """Said in one piece; without opaque state it says nothing."""
        data = signature_of(Thinking("", self._native, redacted=True))
        return self._delta({"reasoningContent": data}) if data else b""

    def text(self, event: TextDelta | ThinkingDelta | ArgumentsDelta) -> bytes:
        """More text of whatever kind."""
        if isinstance(self._block, ToolCall) and self._block.kind == "custom":
            self._free.append(event.text)
            return b""
        if isinstance(self._block, Thinking) and self._block.redacted:
            return b""
        if self._own and event.extra and isinstance(self._block, ToolCall | Thinking):
            return self._with_extra(event)
        return self._text(event.text)

    def _with_extra(self, event: TextDelta | ThinkingDelta | ArgumentsDelta) -> bytes:
        kind, name = (
            ("toolUse", "input") if isinstance(self._block, ToolCall) else ("reasoningContent", "text")
        )
        return self._delta({kind: {name: event.text, **event.extra}})

    def _text(self, text: str) -> bytes:
        layout = _TEXTS.get(type(self._block))
        if layout is None:
            return b""
        self._said = True
        if self._beside:
            return self._delta(cast("Wire", _VALUES[type(self._block)](text)))
        return self._before + layout % encode(text) + b"}\n\n"

    def mark(self, event: NativeDelta) -> bytes:
        """The dialect's own signature goes out at once; another's is sealed when it is whole."""
        if not isinstance(self._block, Thinking):
            return b""
        if self._block.redacted or event.native.dialect != NAME:
            self._native = merge_native(self._native, event.native)
            return b""
        return self._sign(event.native)

    def _sign(self, native: Native | None) -> bytes:
        return self._delta({"reasoningContent": signature_of(Thinking("", native))})

    def cite(self, event: CitationDelta) -> bytes:
        """A citation, where the dialect can say it."""
        native = event.citation.native
        if native is None or native.dialect != NAME:
            return b""
        return self._delta({"citation": native.data})

    def unknown(self, event: UnknownDelta) -> bytes:
        """A delta that only its own dialect can say."""
        return self._delta(dict(event.data)) if event.dialect == NAME else b""

    def _delta(self, wire: Wire) -> bytes:
        self._said = True
        return self._frame("contentBlockDelta", {"delta": wire})

    def _frame(self, name: str, wire: Wire) -> bytes:
        beside, self._beside = self._beside, {}
        return frame(encode({INDEX: self._number, **wire, **beside}), name)


_TEXTS: dict[type, bytes] = {
    Text: b'{"text":%b}',
    Refusal: b'{"text":%b}',
    Thinking: b'{"reasoningContent":{"text":%b}}',
    ToolCall: b'{"toolUse":{"input":%b}}',
}
_VALUES: dict[type, Callable[[str], object]] = {
    Text: lambda text: {"text": text},
    Refusal: lambda text: {"text": text},
    Thinking: lambda text: {"reasoningContent": {"text": text}},
    ToolCall: lambda text: {"toolUse": {"input": text}},
}

_DELTAS: dict[type, Callable[[Any, Any], bytes]] = {
    TextDelta: _Open.text,
    ThinkingDelta: _Open.text,
    ArgumentsDelta: _Open.text,
    CitationDelta: _Open.cite,
    NativeDelta: _Open.mark,
    UnknownDelta: _Open.unknown,
}

_STEPS: dict[type, Callable[[Any, Any], bytes]] = {
    MessageStart: StreamEncoder.begin,
    BlockStart: StreamEncoder.start,
    TextDelta: StreamEncoder.add,
    ThinkingDelta: StreamEncoder.add,
    ArgumentsDelta: StreamEncoder.add,
    NativeDelta: StreamEncoder.add,
    CitationDelta: StreamEncoder.add,
    UnknownDelta: StreamEncoder.add,
    BlockEnd: StreamEncoder.end,
    UsageReport: StreamEncoder.count,
    Stop: StreamEncoder.stop,
    MessageEnd: StreamEncoder.finish,
    Ping: StreamEncoder.ping,
    Failure: StreamEncoder.fail,
    UnknownEvent: StreamEncoder.unknown,
}

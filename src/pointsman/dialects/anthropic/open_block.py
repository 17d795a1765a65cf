"""The block of a stream that is being written: its start, its deltas, its end.

Thinking is signed before it ends, redacted thinking is written at its end, once its opaque state is whole. A
foreign tool call always gets a delta, `{}` if nothing else, since some clients read the deltas alone.
"""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Block, Citation, Native, Refusal, Text, Thinking, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
    CitationDelta,
    NativeDelta,
    TextDelta,
    ThinkingDelta,
    UnknownDelta,
)
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.answer_blocks import encode_answer_block, redacted, signature, tool_use
from pointsman.dialects.anthropic.citations import encode_citation
from pointsman.dialects.anthropic.words import NAME
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import merge_native
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

Wire = dict[str, Any]


class OpenBlock:
    """One block; this one is for text and for whatever is written in one piece."""

    def __init__(self, block: Any, own: bool, asked: Asked, number: int) -> None:
        self.block = block
        self.own = own
        self.asked = asked
        self.number = number
        self.written = 1
        """How many blocks the client has seen of it: 1, or 0 where it cannot be said."""
        self._before = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":' % number
        )

    def start(self) -> bytes:
        """The start, and a delta for what the start already holds."""
        head = encode_answer_block(self.block, self.own, self.asked, self.number)
        if head is None:
            self.written = 0
            return b""
        return self.head(head)

    def add(self, event: Any) -> bytes:
        """A delta."""
        return _DELTAS[type(event)](self, event) if self.written else b""

    def end(self) -> bytes:
        """The end."""
        if not self.written:
            return b""
        return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self.number

    def head(self, wire: Wire) -> bytes:
        """The frame that begins the block."""
        start = {"type": "content_block_start", "index": self.number, "content_block": wire}
        return frame(encode(start), "content_block_start")

    def delta(self, wire: bytes) -> bytes:
        """The frame for a delta in JSON."""
        return self._before + wire + b"}\n\n"

    def text(self, event: TextDelta) -> bytes:
        """More text."""
        if event.extra and self.own:
            return self.delta(encode({"type": "text_delta", "text": event.text, **event.extra}))
        return self.delta(b'{"type":"text_delta","text":%b}' % encode(event.text))

    def thinking(self, event: ThinkingDelta) -> bytes:
        """More thinking."""
        if event.extra and self.own:
            return self.delta(encode({"type": "thinking_delta", "thinking": event.text, **event.extra}))
        return self.delta(b'{"type":"thinking_delta","thinking":%b}' % encode(event.text))

    def arguments(self, event: ArgumentsDelta) -> bytes:
        """More of a call's arguments."""
        if event.extra and self.own:
            wire = {"type": "input_json_delta", "partial_json": event.text, **event.extra}
            return self.delta(encode(wire))
        return self.delta(b'{"type":"input_json_delta","partial_json":%b}' % encode(event.text))

    def cite(self, event: CitationDelta) -> bytes:
        """A citation, where the dialect can say it."""
        return self.citation(event.citation, event.extra)

    def citation(self, citation: Citation, extra: Json) -> bytes:
        """A citation, where the dialect can say it."""
        wire = encode_citation(citation)
        if wire is None:
            return b""
        return self.delta(
            encode({"type": "citations_delta", "citation": wire, **(extra if self.own else {})})
        )

    def mark(self, event: NativeDelta) -> bytes:
        """Opaque state; only thinking has a place for it."""
        return b""

    def unknown(self, event: UnknownDelta) -> bytes:
        """A delta that only its own dialect can say."""
        return self.delta(encode(event.data)) if event.dialect == NAME else b""


class _OpenText(OpenBlock):
    def start(self) -> bytes:
        text = Text("", (), None, self.block.extra) if isinstance(self.block, Text) else Text("")
        head = encode_answer_block(text, self.own, self.asked, self.number)
        first = self.text(TextDelta(0, self.block.text)) if self.block.text else b""
        citations: tuple[Citation, ...] = getattr(self.block, "citations", ())
        return self.head(head or {}) + first + b"".join(self.citation(each, {}) for each in citations)


class _OpenThinking(OpenBlock):
    def start(self) -> bytes:
        thinking: Thinking = self.block
        native = thinking.native
        self._native = native
        self._signed = self.own and native is not None and native.dialect == NAME
        head: Wire = {"type": "thinking", "thinking": ""}
        if self._signed and native is not None:
            head = {**thinking.extra, **head, **native.data}
        else:
            head = {**(thinking.extra if self.own else {}), **head, "signature": ""}
        first = self.thinking(ThinkingDelta(0, thinking.text)) if thinking.text else b""
        return self.head(head) + first

    def mark(self, event: NativeDelta) -> bytes:
        """The dialect's own signature goes out at once; another's is sealed when it is whole."""
        if event.native.dialect != NAME:
            self._native = merge_native(self._native, event.native)
            self._signed = False
            return b""
        self._signed = True
        if "signature" not in event.native.data:
            return b""
        if event.extra and self.own:
            wire = {"type": "signature_delta", "signature": signature(event.native), **event.extra}
            return self.delta(encode(wire))
        return self._sign(event.native)

    def end(self) -> bytes:
        return (b"" if self._signed else self._sign(self._native)) + super().end()

    def _sign(self, native: Native | None) -> bytes:
        return self.delta(b'{"type":"signature_delta","signature":%b}' % encode(signature(native)))


class OpenSilent(_OpenThinking):
    """Thinking that has no text so far; it is written from its first text on, else whole or not at all."""

    def start(self) -> bytes:
        self.native: Native | None = self.block.native
        self.silent = True
        return b""

    def add(self, event: Any) -> bytes:
        if not self.silent:
            return super().add(event)
        if isinstance(event, NativeDelta):
            self.native = merge_native(self.native, event.native)
            return b""
        if not isinstance(event, ThinkingDelta) or not event.text:
            return b""
        self.silent = False
        return self._begin() + super().add(event)

    def end(self) -> bytes:
        return b"" if self.silent else super().end()

    def whole(self) -> bytes:
        """All of it, without text."""
        return self._begin() + super().end()

    def _begin(self) -> bytes:
        self.block = structs.replace(self.block, native=self.native)
        return super().start()


class _OpenRedacted(OpenBlock):
    def start(self) -> bytes:
        self._native: Native | None = self.block.native
        self.written = 0
        return b""

    def add(self, event: Any) -> bytes:
        if isinstance(event, NativeDelta):
            self._native = merge_native(self._native, event.native)
        return b""

    def end(self) -> bytes:
        wire = redacted(self.block, self._native, self.own)
        if wire is None:
            return b""
        self.written = 1
        return self.head(wire) + super().end()


class _OpenCall(OpenBlock):
    def start(self) -> bytes:
        call: ToolCall = self.block
        self._given = bool(call.arguments)
        self._free: list[str] = []
        written = self.head(tool_use(call, self.own, self.asked, self.number, {}))
        return written + (self.arguments(ArgumentsDelta(0, call.arguments)) if self._given else b"")

    def arguments(self, event: ArgumentsDelta) -> bytes:
        """As they come; free text waits until it is whole."""
        if self.block.kind == "custom":
            self._free.append(event.text)
            return b""
        self._given = self._given or bool(event.text)
        return super().arguments(event)

    def end(self) -> bytes:
        rest = ""
        if self.block.kind == "custom":
            rest = encode({"input": "".join(self._free)}).decode()
        elif not self._given and not self.own:
            rest = "{}"
        return (OpenBlock.arguments(self, ArgumentsDelta(0, rest)) if rest else b"") + super().end()


_KINDS: dict[type, type[OpenBlock]] = {
    Text: _OpenText,
    Refusal: _OpenText,
    ToolCall: _OpenCall,
}


def kind_of(block: Block) -> type[OpenBlock]:
    """The writer for a block, which takes the number that the block has for the client."""
    if isinstance(block, Thinking):
        return _OpenRedacted if block.redacted else _OpenThinking
    return _KINDS.get(type(block), OpenBlock)


_DELTAS: dict[type, Callable[[OpenBlock, Any], bytes]] = {
    TextDelta: lambda block, event: block.text(event),
    ThinkingDelta: lambda block, event: block.thinking(event),
    ArgumentsDelta: lambda block, event: block.arguments(event),
    CitationDelta: lambda block, event: block.cite(event),
    NativeDelta: lambda block, event: block.mark(event),
    UnknownDelta: lambda block, event: block.unknown(event),
}

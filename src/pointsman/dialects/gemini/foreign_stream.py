"""An answer of another dialect, streamed to a client of this one: a response for each piece of it."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Block, Citation, Native, Refusal, Text, Thinking, ToolCall
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
    Stop,
    TextDelta,
    ThinkingDelta,
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import merge_native, merge_usage
from pointsman.dialects.gemini.answer_parts import add_block, call_with
from pointsman.dialects.gemini.arguments import arguments_of
from pointsman.dialects.gemini.errors import error_frame
from pointsman.dialects.gemini.fold import finish_members, head_of
from pointsman.dialects.gemini.grounding import Cited
from pointsman.dialects.gemini.parts import Part
from pointsman.dialects.gemini.signature import UNSIGNED, signature_member
from pointsman.dialects.gemini.usage import encode_usage
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

_BEFORE = b'data: {"candidates":[{"content":{"parts":['


class _Open:
    """A block that has begun."""

    def __init__(self, block: Block, choice: int) -> None:
        self.block = block
        self.choice = choice
        self.said: list[str] = []
        """Its text, or its arguments."""
        self.citations: list[Citation] = []
        self.native: Native | None = getattr(block, "native", None)


class ForeignStream:
    """Writes one answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._head = head_of(None, asked)
        self._behind: dict[int, bytes] = {}
        """Of each candidate, what stands behind a response's parts."""
        self._blocks: dict[int, _Open] = {}
        self._cited: dict[int, Cited] = {}
        self._stops: dict[int, Stop] = {}
        self._seen: set[int] = {0}
        self._declined: set[int] = set()
        self._unsigned: set[int] = set()
        """The candidates whose last part is a thought that nobody signed."""
        self._usage: Usage | None = None
        self.malformed = False
        """Whether arguments came that were no object."""

    def write(self, event: Event) -> bytes:
        """The bytes for an event; may be empty."""
        step = _STEPS.get(type(event))
        return b"" if step is None else step(self, event)

    def begin(self, event: MessageStart) -> bytes:
        """What all responses say."""
        self._head = head_of(event.id, self._asked)
        self._behind.clear()
        if event.usage is not None:
            self._usage = merge_usage(self._usage, event.usage)
        return b""

    def _response(self, choice: int, parts: bytes) -> bytes:
        self._unsigned.discard(choice)
        behind = self._behind.get(choice)
        if behind is None:
            head = encode(self._head)[1:]
            behind = self._behind[choice] = b'],"role":"model"},"index":%d}],%b\n\n' % (choice, head)
        return _BEFORE + parts + behind

    def _part(self, choice: int, part: Part) -> bytes:
        return self._response(choice, encode(part))

    def open(self, event: BlockStart) -> bytes:
        """A block begins; what is no text, thought or call is written at once."""
        block = event.block
        opened = self._blocks[event.index] = _Open(block, event.choice)
        self._seen.add(event.choice)
        if isinstance(block, Text | Refusal):
            if isinstance(block, Refusal):
                self._declined.add(event.choice)
            opened.citations += getattr(block, "citations", ())
            return self._said(opened, block.text)
        if isinstance(block, Thinking):
            return self._end_thought(event.choice) + self._thought(opened, block.text)
        if isinstance(block, ToolCall):
            opened.said.append(block.arguments)
            return b""
        parts: list[Part] = []
        add_block(parts, block, own=False)
        return b"".join(self._part(event.choice, part) for part in parts)

    def say(self, event: TextDelta) -> bytes:
        """More text."""
        return self._said(self._blocks[event.index], event.text)

    def _said(self, opened: _Open, text: str) -> bytes:
        if not text:
            return b""
        opened.said.append(text)
        return self._response(opened.choice, b'{"text":%b}' % encode(text))

    def think(self, event: ThinkingDelta) -> bytes:
        """More of a thought."""
        return self._thought(self._blocks[event.index], event.text)

    def _thought(self, opened: _Open, text: str) -> bytes:
        """Told at once, but for what is redacted: its state says so, on the same part."""
        if getattr(opened.block, "redacted", False):
            opened.said.append(text)
            return b""
        return self._response(opened.choice, b'{"text":%b,"thought":true}' % encode(text)) if text else b""

    def _end_thought(self, choice: int) -> bytes:
        """What keeps a thought apart from the one before it."""
        if choice not in self._unsigned:
            return b""
        return self._part(choice, {"text": "", "thought": True, **UNSIGNED})

    def mark(self, event: NativeDelta) -> bytes:
        """Opaque state, told when it is whole."""
        opened = self._blocks[event.index]
        opened.native = merge_native(opened.native, event.native)
        return b""

    def argue(self, event: ArgumentsDelta) -> bytes:
        """More of a call's arguments, told when they are whole."""
        self._blocks[event.index].said.append(event.text)
        return b""

    def cite(self, event: CitationDelta) -> bytes:
        """A citation, told at the end."""
        self._blocks[event.index].citations.append(event.citation)
        return b""

    def end_block(self, event: BlockEnd) -> bytes:
        """What had to wait for a block's end."""
        opened = self._blocks.pop(event.index)
        block = opened.block
        if isinstance(block, ToolCall):
            return self._call(opened, block)
        if isinstance(block, Thinking):
            return self._sign(opened, block)
        if opened.citations:
            self._cited.setdefault(opened.choice, Cited()).add(opened.citations, "".join(opened.said))
        return b""

    def _sign(self, opened: _Open, block: Thinking) -> bytes:
        """A thought's state."""
        member = signature_member(opened.native, redacted=block.redacted)
        if member:
            text = "".join(opened.said)
            return self._part(opened.choice, {"text": text, "thought": True, **member})
        self._unsigned.add(opened.choice)
        return b""

    def _call(self, opened: _Open, call: ToolCall) -> bytes:
        arguments, valid = arguments_of(call, "".join(opened.said))
        self.malformed = self.malformed or not valid
        part = {**call_with(call, arguments, own=False), **signature_member(opened.native)}
        return self._part(opened.choice, part)

    def count(self, event: UsageReport) -> bytes:
        """Kept for the end."""
        self._usage = merge_usage(self._usage, event.usage)
        return b""

    def stop(self, event: Stop) -> bytes:
        """Kept for the end, since clients stop reading there."""
        self._seen.add(event.choice)
        self._stops[event.choice] = event
        return b""

    def finish(self, event: MessageEnd) -> bytes:
        """The last response."""
        last: dict[str, Any] = {"candidates": [self._last(choice) for choice in sorted(self._seen)]}
        if self._usage is not None:
            last["usageMetadata"] = encode_usage(self._usage)
        return frame(encode({**last, **self._head}))

    def _last(self, choice: int) -> dict[str, Any]:
        cited = self._cited.get(choice)
        return {
            "content": {"parts": [{"text": ""}], "role": "model"},
            **finish_members(self._stops.get(choice), declined=choice in self._declined),
            "index": choice,
            **(cited.members() if cited is not None else {}),
        }

    def fail(self, event: Failure) -> bytes:
        """The error that ends the stream."""
        return error_frame(event.fault, self._asked.message_id)


_STEPS: dict[type, Callable[[ForeignStream, Any], bytes]] = {
    MessageStart: ForeignStream.begin,
    BlockStart: ForeignStream.open,
    TextDelta: ForeignStream.say,
    ThinkingDelta: ForeignStream.think,
    NativeDelta: ForeignStream.mark,
    ArgumentsDelta: ForeignStream.argue,
    CitationDelta: ForeignStream.cite,
    BlockEnd: ForeignStream.end_block,
    UsageReport: ForeignStream.count,
    Stop: ForeignStream.stop,
    MessageEnd: ForeignStream.finish,
    Failure: ForeignStream.fail,
}

"""Events → the stream for a client: chunks, then `[DONE]`.

The first chunk says the role, deltas follow, a chunk with `finish_reason` ends each choice, and one without
choices holds the usage where the client asked for it. An answer that came in this dialect keeps its unknown
fields. Thinking goes out as `reasoning_content`, and piece by piece as `reasoning_details`, where its opaque
state has a place.
"""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Block, Citation, Native, Refusal, Text, Thinking, ToolCall, Unknown
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
    UnknownDelta,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import merge_native, merge_usage
from pointsman.dialects.openai_chat.calls_out import argument_key, call_members, native_members
from pointsman.dialects.openai_chat.decode import DONE, OBFUSCATION, OPENING, PADDING
from pointsman.dialects.openai_chat.errors import error_frame
from pointsman.dialects.openai_chat.fold import (
    annotation,
    answer_head,
    explanation,
    finish_word,
    foreign_finish,
    tier_members,
)
from pointsman.dialects.openai_chat.losses import call_losses
from pointsman.dialects.openai_chat.messages import LEGACY
from pointsman.dialects.openai_chat.placing import START, Course, placed
from pointsman.dialects.openai_chat.thinking import (
    CONTENT,
    DETAILS,
    PLAIN,
    detail_head,
    encode_detail,
    head_of,
    text_key,
)
from pointsman.dialects.openai_chat.usage import encode_usage, own_usage
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.envelope import seal
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

_OBJECT = "chat.completion.chunk"
_ROLE: Json = {"role": "assistant", "content": ""}


class _Open:
    """A block that has begun."""

    def __init__(self, block: Block, choice: int, number: int) -> None:
        self.block = block
        self.choice = choice
        self.number = number
        """Which call, or which thinking, of its choice it is."""
        self.place = START
        """Behind which calls and how much text of its choice it began."""
        self.spoken = False
        self.citations: list[Citation] = []
        self.native: Native | None = None
        self.form = (
            block.form.split("+") if isinstance(block, Thinking) and block.form else [CONTENT, DETAILS]
        )


class ChatEncoder:
    """One streamed answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._own = False
        self._head: dict[str, Any] = {}
        self._before = b""
        self._once: Json = {}
        self._bare: Json = {}
        """The null members that each choice has besides."""
        self._blocks: dict[int, _Open] = {}
        self._over: dict[int, _Open] = {}
        """The calls that have ended."""
        self._numbers: dict[tuple[int, type], int] = {}
        self._courses: dict[int, Course] = {}
        self._roles: set[int] = set()
        self._opening = _ROLE
        """The delta that begins each choice."""
        self._usage: Usage | None = None
        self._finishes = b""
        """Why the choices of a foreign answer ended; told when it is whole, since clients stop there."""
        self._ended = False
        self._begin(MessageStart())

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        step = _STEPS.get(type(event))
        return b"" if step is None else step(self, event)

    def close(self) -> bytes:
        """What ends the stream after `MessageEnd`; nothing without it."""
        return frame(DONE) if self._ended else b""

    def losses(self) -> tuple[Loss, ...]:
        """Calls for a client that reads one."""
        calls = [number for (_, kind), number in self._numbers.items() if kind is ToolCall]
        return () if self._own else call_losses(max(calls, default=0), self._asked)

    # Frames

    def _begin(self, event: MessageStart) -> None:
        self._own = event.dialect == NAME
        self._head = answer_head(event, self._asked, _OBJECT)
        if self._own and "usage" in event.form:
            self._head["usage"] = None
        self._before = b"data: " + encode(self._head)[:-1] + b',"choices":['

    def start(self, event: MessageStart) -> bytes:
        self._begin(event)
        if event.usage is not None:
            self._usage = merge_usage(self._usage, event.usage)
        if not self._own:
            return self._role(0)
        opening = event.form.get(OPENING)
        if opening is None:
            if event.form.get("role") is False:
                self._roles.add(0)
            return b"" if 0 in self._roles else self._role(0)
        self._roles.add(int(opening.get("index") or 0))
        self._opening = opening["delta"]
        self._bare = {
            key: value for key, value in opening.items() if value is None and key != "finish_reason"
        }
        if OBFUSCATION in event.form:
            self._once = {OBFUSCATION: event.form[OBFUSCATION]}
        return self._chunk(opening)

    def _role(self, choice: int) -> bytes:
        """The chunk that begins a choice, once."""
        if choice in self._roles:
            return b""
        self._roles.add(choice)
        return self._delta(choice, self._opening)

    def _delta(self, choice: int, delta: Json) -> bytes:
        return self._chunk({"index": choice, "delta": delta, **self._bare, "finish_reason": None})

    def _chunk(self, choice: Json) -> bytes:
        if not self._once:
            return self._before + encode(choice) + b"]}\n\n"
        once, self._once = self._once, {}
        return self._before + encode(choice) + b"]," + encode(once)[1:] + b"\n\n"

    # Blocks

    def open(self, event: BlockStart) -> bytes:
        kind = type(event.block)
        number = self._numbers.get((event.choice, kind), 0)
        self._numbers[event.choice, kind] = number + 1
        opened = _Open(event.block, event.choice, number)
        course = self._courses.setdefault(event.choice, Course())
        opened.place = course.place
        course.begin(event.block)
        self._blocks[event.index] = opened
        role = self._role(event.choice)
        start = _STARTS.get(kind)
        return role if start is None else role + start(self, opened, event.block)

    def open_text(self, opened: _Open, block: Text | Refusal) -> bytes:
        if isinstance(block, Text):
            opened.citations += block.citations
        return self._said(opened, block.text, {}) if block.text else b""

    def open_thinking(self, opened: _Open, block: Thinking) -> bytes:
        if block.redacted:
            if block.native is not None:
                block = structs.replace(block, native=placed(block.native, opened.place))
            return self._delta(opened.choice, {DETAILS: [encode_detail(block, opened.number)]})
        thought = self._thought(opened, block, block.text) if block.text else b""
        return thought + (b"" if block.native is None else self._marked(opened, NativeDelta(0, block.native)))

    def open_call(self, opened: _Open, block: ToolCall) -> bytes:
        opened.spoken = bool(block.arguments)
        members = call_members(block, own=self._own)
        if self._is_legacy(block):
            return self._legacy(opened, members[block.kind])
        return self._delta(opened.choice, {"tool_calls": [{**members, "index": opened.number}]})

    def _is_legacy(self, call: ToolCall) -> bool:
        return (call.form if self._own else self._asked.call_form) == LEGACY

    def _legacy(self, opened: _Open, function: Json) -> bytes:
        """In the deprecated field, which holds one call."""
        return b"" if opened.number else self._delta(opened.choice, {LEGACY: function})

    def open_unknown(self, opened: _Open, block: Unknown) -> bytes:
        return self._unknown(opened, block.dialect, block.data)

    def say(self, event: TextDelta) -> bytes:
        return self._said(self._blocks[event.index], event.text, event.extra)

    def _said(self, opened: _Open, text: str, extra: Json) -> bytes:
        if type(opened.block) is Text:
            self._courses[opened.choice].say(text)
            delta = {"content": text}
        else:
            delta = {"refusal": text}
        if extra and self._own:
            members = {"index": opened.choice, "delta": delta, **self._bare, **extra, "finish_reason": None}
            return self._chunk(members)
        return self._delta(opened.choice, delta)

    def think(self, event: ThinkingDelta) -> bytes:
        opened = self._blocks[event.index]
        block = opened.block
        return self._thought(opened, block, event.text) if isinstance(block, Thinking) else b""

    def _thought(self, opened: _Open, block: Thinking, text: str) -> bytes:
        delta: dict[str, Any] = {name: text for name in (CONTENT, PLAIN) if name in opened.form}
        if DETAILS in opened.form:
            head = head_of(block) if block.form else detail_head(block, opened.number)
            delta[DETAILS] = [{**head, text_key(head): text}]
        return self._delta(opened.choice, delta)

    def mark(self, event: NativeDelta) -> bytes:
        opened = self._blocks.get(event.index)
        if opened is not None:
            return self._marked(opened, event)
        late = self._over.get(event.index)  # state may come behind its call
        return b"" if late is None else self._marked(late, event) + self._sealed(late)

    def _marked(self, opened: _Open, event: NativeDelta) -> bytes:
        native = event.native
        if native.dialect != NAME:
            opened.native = merge_native(opened.native, native)
            return b""
        if isinstance(opened.block, ToolCall):
            fragment = {"index": opened.number, **native_members(native)}
            return self._delta(opened.choice, {"tool_calls": [fragment]})
        return self._delta(opened.choice, {DETAILS: [native.data]})

    def _sealed(self, opened: _Open) -> bytes:
        """Another dialect's opaque state, once it is whole."""
        block, native = opened.block, opened.native
        if native is None or (isinstance(block, ToolCall) and self._is_legacy(block)):
            return b""
        if isinstance(block, ToolCall):
            fragment = {"index": opened.number, **native_members(native)}
            return self._delta(opened.choice, {"tool_calls": [fragment]})
        if not isinstance(block, Thinking):
            return b""
        head = head_of(block) if block.form else detail_head(block, opened.number)
        return self._delta(
            opened.choice, {DETAILS: [{**head, "signature": seal(placed(native, opened.place))}]}
        )

    def argue(self, event: ArgumentsDelta) -> bytes:
        opened = self._blocks[event.index]
        block = opened.block
        opened.spoken = opened.spoken or bool(event.text)
        if not isinstance(block, ToolCall) or not (event.text or self._own):
            return b""
        if self._is_legacy(block):
            return self._legacy(opened, {"arguments": event.text})
        fragment = {"index": opened.number, block.kind: {argument_key(block): event.text}}
        return self._delta(opened.choice, {"tool_calls": [fragment]})

    def cite(self, event: CitationDelta) -> bytes:
        opened = self._blocks[event.index]
        native = event.citation.native
        if native is not None and native.dialect == NAME:
            return self._delta(opened.choice, {"annotations": [native.data]})
        opened.citations.append(event.citation)
        return b""

    def grow_unknown(self, event: UnknownDelta) -> bytes:
        return self._unknown(self._blocks[event.index], event.dialect, event.data)

    def _unknown(self, opened: _Open, dialect: str, data: Json) -> bytes:
        if dialect != NAME or data.get("type") != "audio":
            return b""
        return self._delta(opened.choice, {"audio": {key: data[key] for key in data if key != "type"}})

    def end_block(self, event: BlockEnd) -> bytes:
        opened = self._blocks.pop(event.index)
        if isinstance(opened.block, ToolCall):
            self._over[event.index] = opened
        return self._sealed(opened) + self._finished(opened)

    def _finished(self, opened: _Open) -> bytes:
        """What had to wait for the block's end."""
        block = opened.block
        if isinstance(block, ToolCall) and not opened.spoken and block.kind == "function" and not self._own:
            if self._is_legacy(block):
                return self._legacy(opened, {"arguments": "{}"})
            fragment = {"index": opened.number, "function": {"arguments": "{}"}}
            return self._delta(opened.choice, {"tool_calls": [fragment]})
        if not opened.citations:
            return b""
        _, begun = opened.place
        end = self._courses[opened.choice].length
        cited = [each for each in (annotation(c, begun, end) for c in opened.citations) if each]
        return self._delta(opened.choice, {"annotations": cited}) if cited else b""

    # The end

    def count(self, event: UsageReport) -> bytes:
        self._usage = merge_usage(self._usage, event.usage)
        return b""

    def stop(self, event: Stop) -> bytes:
        role = self._role(event.choice)
        extra = dict(event.extra) if self._own else {}
        message: dict[str, Any] = dict(extra.pop("message", {}))
        if "refusal" in message and "refusal" in self._opening:
            del message["refusal"]
        choice = {"index": event.choice, "delta": message, **extra}
        if self._own:
            return role + self._chunk({**choice, "finish_reason": finish_word(event)})
        if (event.choice, Refusal) not in self._numbers and explanation(event) is not None:
            role += self._delta(event.choice, {"refusal": explanation(event)})
        word = foreign_finish(event, self._asked, called=(event.choice, ToolCall) in self._numbers)
        self._finishes += self._chunk({**choice, "finish_reason": word})
        return role

    def end(self, event: MessageEnd) -> bytes:
        self._ended = True
        extra: dict[str, Any] = dict(event.extra) if self._own else {}
        usage = self._usage
        if self._asked.include_usage and usage is not None:
            extra |= {"usage": own_usage(usage) if self._own else encode_usage(usage)}
            extra |= {} if self._own else tier_members(usage)
        if not extra and not self._once:
            return self._finishes
        last: dict[str, Any] = {**self._head, **self._once, **extra, "choices": []}
        self._once = {}
        return self._finishes + frame(encode(last))

    def pad(self, event: UnknownEvent) -> bytes:
        if event.dialect == NAME and event.name == PADDING and self._own:
            self._once = event.data
        return b""

    def fail(self, event: Failure) -> bytes:
        return error_frame(event.fault, self._asked.message_id)


_STARTS: dict[type, Callable[[ChatEncoder, _Open, Any], bytes]] = {
    Text: ChatEncoder.open_text,
    Refusal: ChatEncoder.open_text,
    Thinking: ChatEncoder.open_thinking,
    ToolCall: ChatEncoder.open_call,
    Unknown: ChatEncoder.open_unknown,
}
_STEPS: dict[type, Callable[[ChatEncoder, Any], bytes]] = {
    MessageStart: ChatEncoder.start,
    BlockStart: ChatEncoder.open,
    TextDelta: ChatEncoder.say,
    ThinkingDelta: ChatEncoder.think,
    NativeDelta: ChatEncoder.mark,
    ArgumentsDelta: ChatEncoder.argue,
    CitationDelta: ChatEncoder.cite,
    UnknownDelta: ChatEncoder.grow_unknown,
    BlockEnd: ChatEncoder.end_block,
    UsageReport: ChatEncoder.count,
    Stop: ChatEncoder.stop,
    MessageEnd: ChatEncoder.end,
    UnknownEvent: ChatEncoder.pad,
    Failure: ChatEncoder.fail,
}

"""An answer that came in this dialect, streamed to a client of it: the same responses, cut in the same way.

The decoder's event behind each response says what it holds beside its parts. Without any such event,
since the answer was not streamed, all of it is one response.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING, Text, Thinking, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    Event,
    Failure,
    MessageEnd,
    NativeDelta,
    TextDelta,
    ThinkingDelta,
    UnknownEvent,
)
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini.answer_parts import add_block
from pointsman.dialects.gemini.decode import RESPONSE
from pointsman.dialects.gemini.errors import error_frame
from pointsman.dialects.gemini.fold import fold
from pointsman.dialects.gemini.parts import Part
from pointsman.dialects.gemini.signature import place_of, signature_member
from pointsman.dialects.gemini.words import NAME
from pointsman.wire.json import encode
from pointsman.wire.sse import frame


class OwnStream:
    """Writes one answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._held: list[Event] | None = []
        """All events, until it is known that the answer was streamed."""
        self._choices: dict[int, int] = {}
        self._parts: dict[int, list[Part]] = {}
        """Of each candidate, those of the response that is being written."""
        self._thoughts: dict[int, Json] = {}
        """What the first piece of an open thought says besides."""
        self._calls: dict[int, tuple[ToolCall, list[str]]] = {}

    def write(self, event: Event) -> bytes:
        """The bytes for an event; may be empty."""
        if self._held is not None:
            self._held.append(event)
        step = _STEPS.get(type(event))
        return b"" if step is None else step(self, event)

    def _of(self, index: int) -> list[Part]:
        return self._parts.setdefault(self._choices.get(index, 0), [])

    def open(self, event: BlockStart) -> bytes:
        """A block begins; what is no text, thought or call is written at once."""
        self._choices[event.index] = event.choice
        block = event.block
        if isinstance(block, ToolCall):
            self._calls[event.index] = (block, [block.arguments])
        elif isinstance(block, Thinking) and not place_of(block.native) and not block.redacted:
            self._thoughts[event.index] = block.extra
        elif not isinstance(block, Text):
            add_block(self._of(event.index), block, own=True)
        return b""

    def say(self, event: TextDelta) -> bytes:
        """A part of text."""
        self._of(event.index).append({"text": event.text, **event.extra})
        return b""

    def think(self, event: ThinkingDelta) -> bytes:
        """A part of a thought."""
        beside = self._thoughts.pop(event.index, {})
        self._of(event.index).append({"text": event.text, "thought": True, **beside, **event.extra})
        return b""

    def mark(self, event: NativeDelta) -> bytes:
        """The signature of the last part."""
        parts = self._of(event.index)
        if parts:
            parts[-1] = {**parts[-1], **signature_member(event.native)}
        return b""

    def argue(self, event: ArgumentsDelta) -> bytes:
        """The arguments of a call."""
        if event.index in self._calls:
            self._calls[event.index][1].append(event.text)
        return b""

    def end_block(self, event: BlockEnd) -> bytes:
        """A call is whole."""
        open_call = self._calls.pop(event.index, None)
        if open_call is not None:
            whole = structs.replace(open_call[0], arguments="".join(open_call[1]))
            add_block(self._of(event.index), whole, own=True)
        self._choices.pop(event.index, None)
        return b""

    def respond(self, event: UnknownEvent) -> bytes:
        """A response is complete."""
        if event.dialect != NAME or event.name != RESPONSE:
            return b""
        self._held = None
        response = dict(event.data)
        candidates = response.get("candidates")
        if isinstance(candidates, list):
            told = cast("list[Json]", candidates)
            response["candidates"] = [self._candidate(each) for each in told]
        self._parts.clear()
        return frame(encode(response))

    def _candidate(self, candidate: Json) -> Json:
        """The candidate with its parts: those that events told, and those that say nothing."""
        number, literal = cast("tuple[int, list[Part | None]]", candidate[SPELLING])
        said = {key: value for key, value in candidate.items() if key != SPELLING}
        if not literal:
            return said
        told = iter(self._parts.pop(number, []))
        parts = [*_filled(literal, told), *told]
        return {**said, "content": {**said["content"], "parts": parts}}

    def finish(self, event: MessageEnd) -> bytes:
        """The end; the whole answer where it was not streamed."""
        if self._held is None:
            return b""
        return frame(encode(fold(gather(self._held), self._asked)))

    def fail(self, event: Failure) -> bytes:
        """The error that ends the stream."""
        return error_frame(event.fault, self._asked.message_id)


def _filled(literal: list[Part | None], told: Iterator[Part]) -> Iterator[Part]:
    for part in literal:
        found = next(told, None) if part is None else part
        if found is not None:
            yield found


_STEPS: dict[type, Callable[[OwnStream, Any], bytes]] = {
    BlockStart: OwnStream.open,
    TextDelta: OwnStream.say,
    ThinkingDelta: OwnStream.think,
    NativeDelta: OwnStream.mark,
    ArgumentsDelta: OwnStream.argue,
    BlockEnd: OwnStream.end_block,
    UnknownEvent: OwnStream.respond,
    MessageEnd: OwnStream.finish,
    Failure: OwnStream.fail,
}

"""Events → the stream for a client.

An answer of another dialect is written item by item, each with its number, its part and its deltas; texts
that follow one another are parts of one message. An item is done before the next one is added, since clients
keep items in the order in which they are done: a block that begins while another one is open waits, with all
that belongs to it, until that one ends. An answer of this dialect goes out as its events were kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from pointsman.canon.blocks import SPELLING, Refusal, Text
from pointsman.canon.events import (
    Answer,
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
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import UNREADABLE, Asked
from pointsman.dialects.gather import merge_usage
from pointsman.dialects.openai_responses.decode import RESPONSE
from pointsman.dialects.openai_responses.errors import error_frames
from pointsman.dialects.openai_responses.open_item import OpenItem, open_item
from pointsman.dialects.openai_responses.open_part import OpenMessage, OpenPart
from pointsman.dialects.openai_responses.response import Head, status_of
from pointsman.dialects.openai_responses.words import NAME
from pointsman.dialects.openai_responses.writer import Wire, Writer
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

Delta: TypeAlias = TextDelta | ThinkingDelta | ArgumentsDelta | NativeDelta | CitationDelta


class ResponsesEncoder:
    """One streamed answer."""

    def __init__(self, asked: Asked, *, silent: bool = False) -> None:
        """`silent`: only the whole answer is wanted."""
        self._asked = asked
        self._kept = False
        """Whether the answer's own events go out."""
        self._own = False
        self._writer = Writer(asked.message_id, silent=silent)
        self._begun: Head | None = None
        self._message: OpenMessage | None = None
        self._open: OpenPart | OpenItem | None = None
        self._open_index = -1
        self._waiting: OrderedDict[int, list[Event]] = OrderedDict()
        """What has come of the blocks whose turn has not."""
        self._usage: Usage | None = None
        self._stop = Stop("end")
        self.response: Wire = {}
        """The whole answer, once it has ended."""

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        if self._kept:
            return self._pass_on(event)
        step = _STEPS.get(type(event))
        return b"" if step is None else step(self, event)

    @property
    def _head(self) -> Head:
        """The answer's fixed part, of one that fails before its start, too."""
        if self._begun is None:
            self._begun = Head(MessageStart(), self._asked)
        return self._begun

    def close(self) -> bytes:
        """Nothing: the response has been said whole."""
        return b""

    def losses(self) -> tuple[Loss, ...]:
        """None beside those of the events."""
        return ()

    def begin(self, event: MessageStart) -> bytes:
        """The response begins."""
        self._own = event.dialect == NAME
        self._begun = Head(event, self._asked)
        self._usage = event.usage
        response = {RESPONSE: self._head.at("in_progress", [])}
        created = self._writer.frame("response.created", response)
        return created + self._writer.frame("response.in_progress", response)

    def open(self, event: BlockStart) -> bytes:
        """A block begins, now or when its turn has come; other answers than the first are left out."""
        if event.choice:
            return b""
        if self._open is not None:
            self._waiting[event.index] = [event]
            return b""
        return self._begin(event)

    def _begin(self, event: BlockStart) -> bytes:
        block, written = event.block, b""
        if isinstance(block, Text | Refusal):
            written += self._open_message(block)
            message = cast("OpenMessage", self._message)
            opened: OpenPart | OpenItem = OpenPart(message, block, own=self._own)
        else:
            written += self._close_message()
            opened = open_item(self._writer, block, own=self._own)
        self._open, self._open_index = opened, event.index
        return written + opened.start()

    def _open_message(self, block: Text | Refusal) -> bytes:
        beside = block.extra.get("message") if self._own else None
        if self._message is not None and beside is None:
            return b""
        written = self._close_message()
        self._message = OpenMessage(self._writer, dict(beside or {}))
        return written + self._message.start()

    def _close_message(self) -> bytes:
        message = self._message
        if message is None:
            return b""
        self._message = None
        return message.end()

    def add(self, event: Delta) -> bytes:
        """More of a block, the open one or one that waits."""
        if event.index == self._open_index and self._open is not None:
            return self._open.add(event)
        return self._wait(event)

    def end(self, event: BlockEnd) -> bytes:
        """A block is complete; what waited for it follows."""
        if event.index != self._open_index or self._open is None:
            return self._wait(event)
        return self._close_open() + self._release_next()

    def _wait(self, event: Delta | BlockEnd) -> bytes:
        """More of a block whose turn has not come; nothing of one that was left out."""
        waiting = self._waiting.get(event.index)
        if waiting is not None:
            waiting.append(event)
        return b""

    def _release_next(self) -> bytes:
        """The blocks that are whole already, and the first that is not."""
        written = b""
        while self._waiting and self._open is None:
            written += self._release()
        return written

    def _release(self) -> bytes:
        """The block that has waited longest, as far as it has come."""
        _, events = self._waiting.popitem(last=False)
        return b"".join([self._say(event) for event in events])

    def _say(self, event: Event) -> bytes:
        if isinstance(event, BlockStart):
            return self._begin(event)
        if self._open is None:
            return b""
        return self._close_open() if isinstance(event, BlockEnd) else self._open.add(event)

    def _close_open(self) -> bytes:
        opened, self._open = self._open, None
        return b"" if opened is None else opened.end()

    def count(self, event: UsageReport) -> bytes:
        """Kept for the end."""
        self._usage = merge_usage(self._usage, event.usage)
        return b""

    def stop(self, event: Stop) -> bytes:
        """Kept for the end."""
        if not event.choice:
            self._stop = event
        return b""

    def finish(self, event: MessageEnd) -> bytes:
        """The end of what is open, and of the response."""
        written = self._close_open()
        while self._waiting:
            written += self._release() + self._close_open()
        written += self._close_message()
        own = event.extra.get(SPELLING, {}).get(RESPONSE) if self._own else None
        status = status_of(self._stop.reason)
        self.response = own or self._head.at(
            status, self._writer.output(), self._usage, reason=self._stop.reason
        )
        kind = "incomplete" if self.response.get("status") == "incomplete" else "completed"
        return written + self._writer.frame(f"response.{kind}", {RESPONSE: self.response})

    def fail(self, event: Failure) -> bytes:
        """The error that ends the stream."""
        return error_frames(event.fault, self._head, self._writer.number, self._writer.output())

    def keep(self, event: UnknownEvent) -> bytes:
        """An event of this dialect as it came: then all of them go out so."""
        if event.dialect != NAME or event.name == UNREADABLE:
            return b""
        self._kept = True
        return self._pass_on(event)

    def _pass_on(self, event: Event) -> bytes:
        """An event as it came, followed so that an error can go on from it."""
        if isinstance(event, Failure):
            return self.fail(event)
        if isinstance(event, MessageStart):
            self._begun = Head(event, self._asked)
        wire = _as_kept(event)
        if wire is None:
            return b""
        number = wire.get("sequence_number")
        if isinstance(number, int):
            self._writer.number = number + 1
        return frame(encode(wire), str(wire.get("type", "")))


_STEPS: dict[type, Callable[[ResponsesEncoder, Any], bytes]] = {
    MessageStart: ResponsesEncoder.begin,
    BlockStart: ResponsesEncoder.open,
    TextDelta: ResponsesEncoder.add,
    ThinkingDelta: ResponsesEncoder.add,
    ArgumentsDelta: ResponsesEncoder.add,
    NativeDelta: ResponsesEncoder.add,
    CitationDelta: ResponsesEncoder.add,
    BlockEnd: ResponsesEncoder.end,
    UsageReport: ResponsesEncoder.count,
    Stop: ResponsesEncoder.stop,
    MessageEnd: ResponsesEncoder.finish,
    UnknownEvent: ResponsesEncoder.keep,
    Failure: ResponsesEncoder.fail,
}


def _as_kept(event: Event) -> Json | None:
    """The event that an answer of this dialect was read from; None for what only followed from it."""
    if isinstance(event, UnknownEvent) and event.dialect == NAME and event.name != UNREADABLE:
        return event.data
    if isinstance(event, TextDelta | ThinkingDelta | ArgumentsDelta) and event.dialect == NAME:
        return event.extra.get(SPELLING)
    return None


def fold(answer: Answer, asked: Asked) -> Json:
    """The answer that is not streamed: the response with which its stream would end."""
    own: Any = answer.extra.get(SPELLING, {}).get(RESPONSE) if answer.dialect == NAME else None
    if own is not None:
        return own
    encoder = ResponsesEncoder(asked, silent=True)
    encoder.encode(MessageStart(answer.id, answer.model, answer.created, None, answer.extra, answer.dialect))
    choice = answer.choices[0] if answer.choices else None
    for index, block in enumerate(choice.blocks if choice is not None else ()):
        encoder.encode(BlockStart(index, block))
        encoder.encode(BlockEnd(index))
    if choice is not None and choice.stop is not None:
        encoder.encode(choice.stop)
    if answer.usage is not None:
        encoder.encode(UsageReport(answer.usage))
    encoder.encode(MessageEnd())
    return encoder.response

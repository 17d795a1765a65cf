"""Answers: from canonical events, streamed.

Blocks are strictly one after another here. A block that begins while another one is open waits, with all that
belongs to it, until that one ends. Numbers are given in the order of writing. Thinking without text behind
another block is held until the next one is written, and left out where the answer ends first. How the answer
ended is said once, at its end: one `message_delta` carries the last word of all reports, then comes
`message_stop`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from pointsman.canon.blocks import SPELLING
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
from pointsman.dialects.anthropic.answer import encode_message, encode_stop, own_part
from pointsman.dialects.anthropic.answer_blocks import apart, is_silent
from pointsman.dialects.anthropic.errors import error_frame
from pointsman.dialects.anthropic.losses import SILENT_AT_END
from pointsman.dialects.anthropic.open_block import OpenBlock, OpenSilent, kind_of
from pointsman.dialects.anthropic.usage import encode_counts, with_output
from pointsman.dialects.anthropic.words import NAME
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import merge_usage
from pointsman.wire.json import encode
from pointsman.wire.sse import frame

Delta: TypeAlias = TextDelta | ThinkingDelta | ArgumentsDelta | NativeDelta | CitationDelta | UnknownDelta

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


class StreamEncoder:
    """Events → bytes of a stream."""

    def __init__(self, asked: Asked) -> None:
        self._writing = _Writing(asked)

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        if self._writing.over:
            return b""
        beside = self._writing.beside
        written = _STEPS[type(event)](self._writing, event)
        if not beside or not written:
            return written
        self._writing.beside = {}
        return _with_members(written, beside)

    def close(self) -> bytes:
        """Nothing: `message_stop` has been said."""
        return b""

    def losses(self) -> tuple[Loss, ...]:
        """Thinking that had no place at the answer's end."""
        return SILENT_AT_END if self._writing.left_out else ()


class _Writing:
    """The stream as far as it is written: one step for each type of event."""

    def __init__(self, asked: Asked) -> None:
        self.over = False
        self.beside: Json = {}
        """Unknown members of the next frame."""
        self.left_out = False
        """Whether thinking without text stood at the end of the answer, and so was not written."""
        self._asked = asked
        self._own = False
        self._open: OpenBlock | None = None
        self._open_index = -1
        self._waiting: dict[int, list[Event]] = {}
        self._written = 0
        self._held: list[OpenSilent] = []
        """Thinking without text that waits for a block behind it."""
        self._kinds: set[type] = set()
        self._ids: dict[str, int] = {}
        """How often each id of a call has come."""
        self._usage: Usage | None = None
        self._report: Usage | None = None
        self._stop: Stop | None = None
        self._told = False
        self._characters = 0
        """Of the text sent, for an upstream that counts none."""

    def begin(self, event: MessageStart) -> bytes:
        """The head of the message."""
        self._own = event.dialect == NAME
        self._usage = event.usage
        message = encode_message(event, event.usage, self._asked)
        return frame(encode({"type": "message_start", "message": message}), "message_start")

    def start(self, event: BlockStart) -> bytes:
        """A block begins, now or when its turn has come; other answers than the first are left out."""
        if event.choice:
            return b""
        if self._open is not None:
            self._waiting[event.index] = [event]
            return b""
        self._kinds.add(type(event.block))
        block = event.block if self._own else apart(event.block, self._ids)
        silent = self._written > 0 and not self._own and is_silent(block)
        kind = OpenSilent if silent else kind_of(block)
        self._open = kind(block, self._own, self._asked, self._written)
        self._open_index = event.index
        self._characters += len(getattr(event.block, "text", "")) + len(getattr(event.block, "arguments", ""))
        return self._behind_held(self._open.start())

    def add(self, event: Delta) -> bytes:
        """More of a block, the open one or one that waits."""
        if event.index == self._open_index and self._open is not None:
            self._characters += len(getattr(event, "text", ""))
            written = self._open.add(event)
            return self._behind_held(written) if self._held else written
        waiting = self._waiting.get(event.index)
        if waiting is not None:
            waiting.append(event)
        return b""

    def end(self, event: BlockEnd) -> bytes:
        """A block is complete; what waited for it follows."""
        if event.index != self._open_index or self._open is None:
            waiting = self._waiting.get(event.index)
            if waiting is not None:
                waiting.append(event)
            return b""
        return self._close_open() + self._release_next()

    def _close_open(self) -> bytes:
        if self._open is None:
            return b""
        written = self._behind_held(self._open.end())
        self._written += self._open.written
        if isinstance(self._open, OpenSilent) and self._open.silent:
            self._held.append(self._open)
        self._open = None
        return written

    def _behind_held(self, written: bytes) -> bytes:
        """What is written of a block, and before it the thinking that was held for one."""
        if not written or not self._held:
            return written
        held, self._held = self._held, []
        return b"".join([block.whole() for block in held]) + written

    def _release_next(self) -> bytes:
        """The blocks that are whole already, and the first that is not."""
        written = b""
        while self._waiting and self._open is None:
            written += self._release()
        return written

    def _release(self) -> bytes:
        """The block that has waited longest, as far as it has come."""
        events = self._waiting.pop(next(iter(self._waiting)))
        return b"".join(_STEPS[type(event)](self, event) for event in events)

    def count(self, event: UsageReport) -> bytes:
        """Kept for the end."""
        self._usage = merge_usage(self._usage, event.usage)
        self._report = event.usage
        return b""

    def stop(self, event: Stop) -> bytes:
        """Kept for the end."""
        if not event.choice:
            self._stop = event
        return b""

    def ping(self, event: Ping) -> bytes:
        """A sign of life."""
        return self._tell_early() + PING

    def unknown(self, event: UnknownEvent) -> bytes:
        """An event that only its own dialect can say."""
        if event.dialect != NAME:
            return b""
        beside = event.data.get(SPELLING)
        if isinstance(beside, dict) and len(event.data) == 1:
            self.beside = cast("Json", beside)
            return b""
        return self._tell_early() + frame(encode(event.data), event.name)

    def finish(self, event: MessageEnd) -> bytes:
        """The end of the blocks, of the message, and of the stream."""
        written = self._close_open()
        while self._waiting:
            written += self._release() + self._close_open()
        self.over = True
        self.left_out = any(block.native is not None for block in self._held)
        rest: Json = event.extra if self._own else {}
        return written + self._tell() + frame(encode({"type": "message_stop", **rest}), "message_stop")

    def fail(self, event: Failure) -> bytes:
        """The error that ends the stream."""
        self.over = True
        return error_frame(event.fault, self._asked.message_id)

    def _tell_early(self) -> bytes:
        """In its own dialect an answer keeps its order, also where something stands behind the last delta."""
        return self._tell() if self._own and self._stop is not None and self._open is None else b""

    def _tell(self) -> bytes:
        """The `message_delta`, once."""
        if self._told:
            return b""
        self._told = True
        counted = self._usage or Usage()
        if not self._own:
            counted = with_output(counted, self._characters)
        usage: Json = encode_counts(counted, self._asked.input_estimate)
        if not self._own or self._stop is None:
            delta: Json = {**encode_stop(self._stop, self._kinds), "container": None}
            return _message_delta({"delta": delta, "usage": usage})
        said = self._report or self._usage
        if said is not None and said.extra:
            usage = said.extra
        return _message_delta(
            {**own_part(self._stop, "event"), "delta": own_part(self._stop, "delta"), "usage": usage}
        )


def _with_members(written: bytes, members: Json) -> bytes:
    """The frames, the first of which says these members, too."""
    first, end, rest = written.partition(b"}\n\n")
    return first + b"," + encode(members)[1:-1] + end + rest


def _message_delta(wire: Json) -> bytes:
    return frame(encode({"type": "message_delta", **wire}), "message_delta")


_STEPS: dict[type, Callable[[_Writing, Any], bytes]] = {
    MessageStart: _Writing.begin,
    BlockStart: _Writing.start,
    TextDelta: _Writing.add,
    ThinkingDelta: _Writing.add,
    ArgumentsDelta: _Writing.add,
    NativeDelta: _Writing.add,
    CitationDelta: _Writing.add,
    UnknownDelta: _Writing.add,
    BlockEnd: _Writing.end,
    UsageReport: _Writing.count,
    Stop: _Writing.stop,
    MessageEnd: _Writing.finish,
    Ping: _Writing.ping,
    Failure: _Writing.fail,
    UnknownEvent: _Writing.unknown,
}

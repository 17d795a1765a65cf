"""The blocks of a choice that follow one another: text, refusals and thinking; one is open at a time."""

from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Block, Citation, Native, Refusal, Text, Thinking
from pointsman.canon.events import (
    BlockEnd,
    BlockStart,
    CitationDelta,
    Event,
    NativeDelta,
    TextDelta,
    ThinkingDelta,
)
from pointsman.canon.json import Json
from pointsman.dialects.openai_chat.placing import unplaced
from pointsman.dialects.openai_chat.thinking import CONTENT, DETAILS, PLAIN, decode_detail
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.surrogates import SurrogateJoiner

_TEXT, _REFUSAL = Text(""), Refusal("")


class Counter:
    """The next block's index in an answer, over all choices, and what ids are made from."""

    def __init__(self) -> None:
        self.next = 0
        self.seed = ""

    def take(self) -> int:
        """An index that was not given before."""
        self.next += 1
        return self.next - 1


class Prose:
    """What a choice says and thinks; a block of another kind ends the open one."""

    def __init__(self, choice: int, issuer: str, counter: Counter) -> None:
        self._choice = choice
        self._issuer = issuer
        self._counter = counter
        self._kind: type[Block] | None = None
        self._index = -1
        self._joiner = SurrogateJoiner()
        self._piece: object = None
        """Which piece of `reasoning_details` the open block of thinking is."""

    def open(self, block: Block, events: list[Event]) -> int:
        """Begins a block, and ends the one before."""
        self.shut(events)
        self._kind = type(block)
        self._index = self._counter.take()
        events.append(BlockStart(self._index, block, self._choice, NAME))
        return self._index

    def shut(self, events: list[Event]) -> None:
        """Ends the open block."""
        if self._kind is None:
            return
        rest = self._joiner.close()
        if rest:
            thinks = self._kind is Thinking
            events.append(ThinkingDelta(self._index, rest) if thinks else TextDelta(self._index, rest))
        events.append(BlockEnd(self._index))
        self._kind = self._piece = None

    def say(self, content: Any, attached: Json, events: list[Event]) -> None:
        """More text; `attached` is what the chunk says of it."""
        if not isinstance(content, str):
            self._say_parts(content, attached, events)
            return
        index = self._index if self._kind is Text else self.open(_TEXT, events)
        text = self._joiner.feed(content)
        if text or attached:
            events.append(TextDelta(index, text, attached, NAME))

    def _say_parts(self, content: Any, attached: Json, events: list[Event]) -> None:
        """Content as an array, with thinking among it (Mistral's reasoning models)."""
        for part in cast("list[Any]", content) if isinstance(content, list) else []:
            fields = cast("Json", part) if isinstance(part, dict) else {"type": "text", "text": part}
            kind = fields.get("type")
            if kind == "thinking":
                self.think(_thought(fields.get("thinking")), CONTENT, events)
            elif kind == "text" and isinstance(fields.get("text"), str) and fields["text"]:
                self.say(fields["text"], attached, events)
                attached = {}

    def refuse(self, refusal: str, attached: Json, events: list[Event]) -> None:
        """More of a refusal."""
        index = self._index if self._kind is Refusal else self.open(_REFUSAL, events)
        events.append(TextDelta(index, self._joiner.feed(refusal), attached, NAME))

    def cite(self, annotations: list[Any], events: list[Event]) -> None:
        """Citations of the text."""
        found = [cast("Json", each) for each in annotations if isinstance(each, dict)]
        if found and self._kind is not Text:
            self.open(_TEXT, events)
        events += [CitationDelta(self._index, decode_citation(each, self._issuer)) for each in found]

    def think_fields(self, delta: Json, events: list[Event]) -> None:
        """More thinking, in whichever fields a chunk has it."""
        details = delta.get(DETAILS)
        if details and isinstance(details, list):
            pieces = [cast("Json", each) for each in cast("list[Any]", details) if isinstance(each, dict)]
            text = "".join(str(piece.get("text") or piece.get("summary") or "") for piece in pieces)
            form = "+".join([DETAILS, *_repeats(delta, text)])
            for piece in pieces:
                self._think_piece(piece, form, events)
            return
        text = delta.get(CONTENT) or delta.get(PLAIN)
        if isinstance(text, str):
            self.think(text, "+".join(_repeats(delta, text)), events)

    def think(self, text: str, form: str, events: list[Event]) -> None:
        """More thinking without opaque state."""
        if not text:
            return
        index = self._index if self._kind is Thinking else self.open(Thinking("", form=form), events)
        self._add(index, text, events)

    def think_whole(self, block: Thinking, events: list[Event]) -> None:
        """A whole block of thinking."""
        if block.redacted:
            self.open(block, events)
            return
        index = self.open(Thinking("", extra=_head(block), form=block.form), events)
        self._add(index, block.text, events)
        if block.native is not None:
            events.append(NativeDelta(index, block.native))

    def _think_piece(self, piece: Json, form: str, events: list[Event]) -> None:
        block, _ = unplaced(decode_detail(piece, self._issuer))
        key = (piece.get("index"), piece.get("type"))
        if self._kind is not Thinking or block.redacted or self._piece not in (None, key):
            if block.redacted:
                self.open(Thinking("", block.native, True, None, block.extra, form), events)
            else:
                self.open(Thinking("", extra=_head(block), form=form), events)
        self._piece = key
        self._add(self._index, block.text, events)
        if block.native is not None and not block.redacted:
            events.append(NativeDelta(self._index, block.native))

    def _add(self, index: int, text: str, events: list[Event]) -> None:
        text = self._joiner.feed(text)
        if text:
            events.append(ThinkingDelta(index, text))


def decode_citation(annotation: Json, issuer: str) -> Citation:
    """One of `annotations`; what it says stays whole in its native data."""
    inner = annotation.get("url_citation")
    fields = cast("Json", inner) if isinstance(inner, dict) else annotation
    start, end = fields.get("start_index"), fields.get("end_index")
    return Citation(
        url=_str(fields.get("url")),
        title=_str(fields.get("title")),
        cited_text=_str(fields.get("content")),
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
        native=Native(NAME, issuer, annotation),
    )


def _str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _thought(value: object) -> str:
    """The text of a `thinking` part: a string, or an array of text parts."""
    if not isinstance(value, list):
        return value if isinstance(value, str) else ""
    parts = [cast("Json", each) for each in cast("list[Any]", value) if isinstance(each, dict)]
    return "".join(str(part.get("text") or "") for part in parts)


def _repeats(delta: Json, text: str) -> list[str]:
    return [name for name in (CONTENT, PLAIN) if delta.get(name) == text]


def _head(block: Thinking) -> Json:
    """What each piece of the block says beside its text and its opaque state."""
    if block.native is None or block.native.dialect != NAME:
        return block.extra
    head = {key: value for key, value in block.native.data.items() if key not in {"signature", "data"}}
    return {SPELLING: head}

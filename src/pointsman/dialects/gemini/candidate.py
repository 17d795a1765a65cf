"""One candidate of an answer as far as it has come: its parts, to events.

The first part of each response of a stream goes on with an open text or thought; any other part is a
block of its own. A signature on a part becomes a thinking block behind it (see `parts`); the text before
it stays open for the citations that come last. Calls come whole.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING, Block, Text, Thinking, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    CitationDelta,
    Event,
    NativeDelta,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
)
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gemini.arguments import unwrapped
from pointsman.dialects.gemini.grounding import CITATIONS, GROUNDING, decode_grounding, is_all_told
from pointsman.dialects.gemini.parts import decode_part
from pointsman.dialects.gemini.signature import ALONE, ON_PART, native_of
from pointsman.dialects.gemini.words import FAILED, FREE_TEXT, MADE, NAME, REASONS, SIGNATURE
from pointsman.wire.surrogates import SurrogateJoiner

_TEXT, _THINKING = Text(""), Thinking("")
_NO_PART = Text("", extra={SPELLING: {}})
"""A text that holds citations alone; no part stands for it."""
_NO_EXTRA: Json = {}
_TOLD = frozenset({"content", "index", "finishReason", "finishMessage"})
"""Members of a candidate that are said again by themselves."""


class Counter:
    """The next block's index in an answer, over all candidates, and what ids are made from."""

    def __init__(self, seed: str) -> None:
        self.next = 0
        self.seed = seed

    def take(self) -> int:
        """An index that was not given before."""
        self.next += 1
        return self.next - 1


class CandidateReader:
    """Reads the parts of one candidate."""

    def __init__(self, number: int, origin: Origin, counter: Counter, *, whole: bool) -> None:
        self.number = number
        self.ended = False
        """Whether it has said why it ended."""
        self._issuer = origin.issuer
        self._names: Mapping[str, str] = origin.names
        self._counter = counter
        self._whole = whole
        self._goes_on = False
        """Whether the next part may go on with the open block."""
        self._kind: type[Block] | None = None
        self._index = -1
        self._joiner = SurrogateJoiner()
        self._signed = False
        """Whether the open text has its signature, and so its end."""
        self._said: list[str] = []
        """The text of the open block."""
        self._called = False
        self._extra: dict[str, Any] = {}
        self._spelled: dict[str, Any] = {}

    def begin(self) -> None:
        """A response begins."""
        self._goes_on = not self._whole and not self._signed

    def part(self, part: Json, events: list[Event]) -> bool:
        """One part; False for an empty text that says nothing."""
        text = part.get("text")
        if not isinstance(text, str):
            self._other(part, events)
            said = True
        elif len(part) == 1:
            said = self._say(text, _NO_EXTRA, events)
        else:
            said = self._prose(part, text, events)
        self._goes_on = False
        return said

    def _say(self, text: str, extra: Json, events: list[Event]) -> bool:
        if self._kind is not Text or not self._goes_on:
            if not text and not extra and not self._whole:
                return False
            self._open(_TEXT, events)
        self._said.append(text)
        events.append(TextDelta(self._index, self._joiner.feed(text), extra, NAME))
        return True

    def _think(self, text: str, extra: Json, events: list[Event]) -> None:
        if self._kind is not Thinking or not self._goes_on:
            self._open(Thinking("", extra=extra) if extra else _THINKING, events)
            extra = _NO_EXTRA
        events.append(ThinkingDelta(self._index, self._joiner.feed(text), extra, NAME))

    def _prose(self, part: Json, text: str, events: list[Event]) -> bool:
        """Text that is thought, signed, or says something besides."""
        extra = {key: value for key, value in part.items() if key not in ("text", SIGNATURE)}
        signature = part.get(SIGNATURE)
        member = {SIGNATURE: signature} if isinstance(signature, str) and signature else {}
        if SIGNATURE in part and not member:
            extra[SIGNATURE] = signature
        if extra.get("thought") is True:
            del extra["thought"]
            return self._think_signed(text, extra, member, events)
        if not member:
            return self._say(text, extra, events)
        if text:
            self._say(text, extra, events)
            extra = {}
        self._sign(member, extra, ON_PART if text else ALONE, events)
        return True

    def _think_signed(self, text: str, extra: Json, member: Json, events: list[Event]) -> bool:
        native, redacted = native_of(member, self._issuer)
        if redacted:
            self._whole_block(Thinking(text, native, True, extra=extra), events)
            return True
        ends_unsigned = bool(member) and native is None
        if text or not ends_unsigned:
            self._think(text, extra, events)
        if native is not None:
            events.append(NativeDelta(self._index, native))
        if member:
            self.shut(events)
        return bool(text) or not ends_unsigned

    def _sign(self, member: Json, extra: Json, place: str, events: list[Event]) -> None:
        """A signature on what is no thought: a thinking block without text."""
        native, _ = native_of(member, self._issuer, place)
        if self._kind is not Text:
            self.shut(events)
        index = self._counter.take()
        events += [BlockStart(index, Thinking("", native, extra=extra), self.number, NAME), BlockEnd(index)]
        self._signed = True

    def _other(self, part: Json, events: list[Event]) -> None:
        """A part that is one block, or one and its signature."""
        for block in decode_part(part, "part", self._issuer):
            if isinstance(block, ToolCall):
                self._call(block, events)
            else:
                self._whole_block(block, events)

    def _whole_block(self, block: Block, events: list[Event]) -> None:
        self._open(block, events)
        self.shut(events)

    def _call(self, call: ToolCall, events: list[Event]) -> None:
        self._called = True
        id = call.id or self._made_id()
        name = self._names.get(call.name, call.name)
        wrapped = name != call.name and call.name.endswith(FREE_TEXT)
        kind, text = ("custom", unwrapped(call.arguments)) if wrapped else ("function", call.arguments)
        self._open(structs.replace(call, id=id, name=name, arguments="", kind=kind), events)
        if text:
            events.append(ArgumentsDelta(self._index, text))
        self.shut(events)

    def _made_id(self) -> str:
        """No other answer's, and the same at every reading of this one; `encode` leaves it out again."""
        digest = sha256(self._counter.seed.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{MADE}{digest}_{self._counter.next}"

    def _open(self, block: Block, events: list[Event]) -> None:
        self.shut(events)
        self._kind, self._signed = type(block), False
        self._index = self._counter.take()
        events.append(BlockStart(self._index, block, self.number, NAME))

    def shut(self, events: list[Event]) -> None:
        """Ends the open block."""
        if self._kind is None:
            return
        rest = self._joiner.close()
        if rest:
            thinks = self._kind is Thinking
            events.append(ThinkingDelta(self._index, rest) if thinks else TextDelta(self._index, rest))
        events.append(BlockEnd(self._index))
        if self._kind is Text:
            self._said.clear()
        self._kind = None

    def note(self, candidate: Json) -> None:
        """What a candidate says beside its parts; a later word replaces an earlier one."""
        for key, value in candidate.items():
            if key not in _TOLD:
                self._extra[key] = value
            elif key != "content":
                self._spelled[key] = value
        if "content" in candidate:
            self._spelled["content"] = candidate["content"]
        self.ended = self.ended or isinstance(candidate.get("finishReason"), str)

    def stop(self, events: list[Event]) -> None:
        """The citations of the last text, its end, and why the candidate ended."""
        self._cite(events)
        self.shut(events)
        raw = self._spelled.get("finishReason")
        word = raw if isinstance(raw, str) else None
        reason = REASONS.get(word, "other") if word else "end"
        if reason == "end" and self._called:
            reason = "tool_use"
        message = self._spelled.get("finishMessage")
        details = _explained(reason, message)
        failed = "" if word not in FAILED else f"{word}: {message}" if message else f"{word}"
        extra = {**self._extra, SPELLING: self._spelling()}
        events.append(Stop(reason, word, None, details, self.number, extra, NAME, failed))

    def _spelling(self) -> Json:
        """How the candidate was said, its content without the parts that events tell."""
        content = self._spelled.get("content")
        if not isinstance(content, dict):
            return self._spelled
        said = cast("Json", content)
        kept = {key: said[key] for key in said if key != "parts" or not said[key]}
        return {**self._spelled, "content": kept}

    def _cite(self, events: list[Event]) -> None:
        citations = decode_grounding(self._extra, "".join(self._said), self._issuer)
        if citations and self._kind is not Text:
            self._open(_NO_PART, events)
        events += [CitationDelta(self._index, citation) for citation in citations]
        for key in (GROUNDING, CITATIONS):
            if citations and is_all_told(self._extra.get(key)):
                self._spelled[key] = self._extra.pop(key)


def _explained(reason: StopReason, message: object) -> Json | None:
    """What a refusal says for itself, in the form that other dialects read."""
    if reason != "refusal" or not isinstance(message, str) or not message:
        return None
    return {"type": "refusal", "explanation": message}


def ended(candidate: Json) -> Stop:
    """Why a whole candidate ended."""
    raw = candidate.get("finishReason")
    word = raw if isinstance(raw, str) else None
    reason = REASONS.get(word, "other") if word else "end"
    return Stop("tool_use" if reason == "end" and _calls(candidate) else reason, word, dialect=NAME)


def _calls(candidate: Json) -> bool:
    content = candidate.get("content")
    parts = cast("Json", content).get("parts") if isinstance(content, dict) else None
    found = cast("list[Any]", parts) if isinstance(parts, list) else []
    return any(isinstance(part, dict) and "functionCall" in part for part in found)

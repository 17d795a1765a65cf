"""A block of an answer as it comes in: its text piece by piece, and what a closing event still adds to it."""

from collections.abc import Mapping
from typing import Any, Literal

from pointsman.canon.blocks import SPELLING, Native, Refusal, Text, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    CitationDelta,
    Event,
    NativeDelta,
    TextDelta,
    ThinkingDelta,
)
from pointsman.canon.json import Json
from pointsman.dialects.free_text import is_wrapped, unwrapped
from pointsman.dialects.names import joined, parted
from pointsman.dialects.openai_responses.citations import decode_annotation, decode_annotations
from pointsman.dialects.openai_responses.words import NAME
from pointsman.wire.surrogates import SurrogateJoiner, join_surrogates

Delta = type[TextDelta] | type[ThinkingDelta] | type[ArgumentsDelta]

_PART = frozenset({"type", "text", "refusal", "annotations", "logprobs"})
_ITEM = frozenset({"type", "id", "role", "status", "content"})
_CALL = frozenset({"type", "id", "status", "call_id", "name", "namespace", "arguments", "input"})
_DIRECT: Json = {"type": "direct"}


class Said:
    """One block. `said` counts the characters so far, so that a closing event adds only what is missing."""

    def __init__(self, index: int, delta: Delta) -> None:
        self.index = index
        self.said = 0
        self.cited = 0
        self.ended = False
        self._delta = delta
        self._joiner = SurrogateJoiner()

    def say(self, text: str, extra: Json, events: list[Event]) -> None:
        """A piece more; `extra` holds what its event says besides. Behind the end of the block it is none."""
        if self.ended:
            return
        text = self._joiner.feed(text)
        self.said += len(text)
        events.append(self._delta(self.index, text, extra, NAME))

    def complete(self, text: object, events: list[Event], logprobs: object = None) -> None:
        """The whole text, which a server may say without having said its pieces."""
        whole = join_surrogates(text) if isinstance(text, str) else ""
        if len(whole) > self.said:
            extra: Json = {"logprobs": logprobs} if logprobs and not self.said else {}
            self.say(whole[self.said :], extra, events)

    def cite(self, annotation: Json, issuer: str, events: list[Event]) -> None:
        """A citation more; none behind the end of the block."""
        if self.ended:
            return
        self.cited += 1
        events.append(CitationDelta(self.index, decode_annotation(annotation, issuer), {}, NAME))

    def complete_citations(self, annotations: object, issuer: str, events: list[Event]) -> None:
        """All citations of a part."""
        for citation in decode_annotations(annotations, issuer)[self.cited :]:
            self.cited += 1
            events.append(CitationDelta(self.index, citation, {}, NAME))

    def end(self, events: list[Event]) -> None:
        """The block is over; once."""
        if self.ended:
            return
        self.ended = True
        rest = self._joiner.close()
        if rest:
            events.append(self._delta(self.index, rest, {}, NAME))
        events.append(BlockEnd(self.index))


class SaidCall(Said):
    """A call. Free text that came as a function's arguments is unwrapped once it is whole."""

    def __init__(self, index: int, *, wrapped: bool) -> None:
        super().__init__(index, ArgumentsDelta)
        self._held: list[str] | None = [] if wrapped else None

    def say(self, text: str, extra: Json, events: list[Event]) -> None:
        if self._held is None or self.ended:
            super().say(text, extra, events)
            return
        self._held.append(text)
        self.said += len(text)

    def sign(self, native: Native, events: list[Event]) -> None:
        """What the provider attached to the call, said behind it."""
        events.append(NativeDelta(self.index, native, "call"))

    def end(self, events: list[Event]) -> None:
        if self._held is not None and not self.ended:
            text = unwrapped("".join(self._held))
            events.append(ArgumentsDelta(self.index, text))
            self._held = None
        super().end(events)


def start_part(index: int, part: Json, item: Json, events: list[Event], *, first: bool) -> Said:
    """Begins the block of a part; what its message says besides stands in the first one."""
    extra = {key: value for key, value in part.items() if key not in _PART}
    beside = {key: value for key, value in item.items() if key not in _ITEM} if first else {}
    if beside:
        extra["message"] = beside
    block = Refusal("", extra) if part.get("type") == "refusal" else Text("", extra=extra)
    events.append(BlockStart(index, block, dialect=NAME))
    return Said(index, TextDelta)


def start_call(
    index: int, item: Json, names: Mapping[str, str], native: Native | None, events: list[Event]
) -> SaidCall:
    """Begins a call, under the name that the client knows."""
    sent = _str(item.get("name"))
    name, wrapped = names.get(sent, sent), is_wrapped(sent, names)
    custom = wrapped or item.get("type") == "custom_tool_call"
    kind: Literal["function", "custom"] = "custom" if custom else "function"
    namespace = item.get("namespace")
    extra = {key: value for key, value in item.items() if key not in _CALL}
    if extra.get("caller") in (None, _DIRECT):
        extra.pop("caller", None)
    full = joined(namespace, name) if isinstance(namespace, str) else name
    call = ToolCall(_str(item.get("call_id")), full, "", kind, native, extra=extra)
    events.append(BlockStart(index, call, dialect=NAME))
    return SaidCall(index, wrapped=wrapped)


def restored(item: Json, names: Mapping[str, str]) -> Json:
    """A call's item under the name that the client knows, free text unwrapped; any other as it is."""
    sent = item.get("name")
    if not isinstance(sent, str) or sent not in names:
        return item
    namespace, name = parted(names[sent])
    within = {} if namespace is None else {"namespace": namespace}
    if item.get("type") == "function_call" and is_wrapped(sent, names):
        kept = {key: item[key] for key in ("id", "call_id") if key in item}
        text = unwrapped(_str(item.get("arguments")))
        return {**kept, "type": "custom_tool_call", "name": name, **within, "input": text}
    return {**item, "name": name, **within}


def beside(wire: Json, *, spelled: bool) -> Json:
    """The `extra` of an event's piece: probabilities and, for its own dialect, the event itself."""
    logprobs: Any = wire.get("logprobs")
    said: Json = {"logprobs": logprobs} if isinstance(logprobs, list) and logprobs else {}
    return {**said, SPELLING: wire} if spelled else said


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""

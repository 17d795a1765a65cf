"""One choice of an answer: its deltas, or its whole message, become events.

Tool calls stay open until the choice ends, because servers interleave them. Nothing is told after the end.
What has no canonical place goes into the `Stop`: the choice's unknown members, and under `message` those of
its message.
"""

from collections.abc import Callable
from typing import Any, cast

from pointsman.canon.blocks import Unknown
from pointsman.canon.events import BlockEnd, BlockStart, Event, Stop, UnknownDelta
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Origin
from pointsman.dialects.openai_chat.calls import Call, Calls, made_id, more, tell
from pointsman.dialects.openai_chat.messages import LEGACY
from pointsman.dialects.openai_chat.placing import unplaced
from pointsman.dialects.openai_chat.prose import Counter, Prose
from pointsman.dialects.openai_chat.thinking import CONTENT, DETAILS, PLAIN, take_thinking
from pointsman.dialects.openai_chat.words import NAME, REASONS

_THOUGHT = frozenset({CONTENT, PLAIN, DETAILS})
_SPOKEN = frozenset({"refusal", "tool_calls", LEGACY, "annotations", "audio"})
_KNOWN = _THOUGHT | _SPOKEN | {"role", "content"}
_FRAME = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "usage"})
_MATCHED = ("stop_reason", "matched_stop")
"""Where vLLM and SGLang say which stop sequence it was."""


class ChoiceReader:
    """One choice as far as it has come."""

    def __init__(self, number: int, origin: Origin, counter: Counter, *, whole: bool = False) -> None:
        self.number = number
        self.ended = False
        self._whole = whole
        self._issuer = origin.issuer
        self._counter = counter
        self._prose = Prose(number, origin.issuer, counter)
        self._calls = Calls(origin.issuer, origin.names, whole=whole)
        self._audio = -1
        self._message: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}

    def read(self, choice: Json, delta: Json, events: list[Event]) -> None:
        """One chunk's part of the choice."""
        if self.ended:
            return
        attached = choice.get("logprobs")
        if delta.get(CONTENT) or delta.get(PLAIN) or delta.get(DETAILS):
            self._prose.think_fields(delta, events)
        content = delta.get("content")
        if content:
            self._prose.say(content, {"logprobs": attached} if attached else {}, events)
            attached = None
        if attached or len(delta) > 1 or not content:
            self._beside(delta, attached, events)
        finish = choice.get("finish_reason")
        if finish or len(choice) > 3:
            self._keep(choice, finished=bool(finish))
        if finish:
            self._message = {**_empty(delta), **self._message}
            self.finish(str(finish), events)

    def read_whole(self, choice: Json, message: Json, events: list[Event]) -> None:
        """The choice of an answer that was not streamed."""
        rest = dict(message)
        for block in take_thinking(rest, self._issuer):
            self._prose.think_whole(unplaced(block)[0], events)
        attached = choice.get("logprobs")
        content = rest.get("content")
        if content:
            self._prose.say(content, {"logprobs": attached} if attached else {}, events)
            attached = None
        self._beside(rest, attached, events)
        self._message |= {key: value for key, value in rest.items() if _left(key, value)}
        self._keep(choice, finished=True)
        finish = choice.get("finish_reason")
        self.finish(str(finish) if finish else None, events)

    def _beside(self, delta: Json, attached: object, events: list[Event]) -> None:
        """Everything but thinking and content."""
        annotations = delta.get("annotations")
        if annotations and isinstance(annotations, list):
            self._prose.cite(cast("list[Any]", annotations), events)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._prose.refuse(refusal, {"logprobs": attached} if attached else {}, events)
            self._message.pop("refusal", None)
            attached = None
        for key, value in delta.items():
            step = _STEPS.get(key)
            if step is not None:
                if value:
                    step(self, value, events)
            elif key not in _KNOWN:
                self._message[key] = joined(self._message.get(key), value)
            elif key == "refusal" and value is None:
                self._message.setdefault(key, None)
        if attached:
            self._extra["logprobs"] = joined(self._extra.get("logprobs"), attached)

    def _keep(self, choice: Json, *, finished: bool) -> None:
        """The choice's unknown members; null ones count only at the end."""
        for key, value in choice.items():
            if key not in _FRAME and (finished or value is not None):
                self._extra[key] = value
        if finished and "logprobs" in choice:
            self._extra.setdefault("logprobs", None)

    def call(self, fragments: Any, events: list[Event]) -> None:
        for fragment in cast("list[Any]", fragments) if isinstance(fragments, list) else []:
            if isinstance(fragment, dict):
                part = cast("Json", fragment)
                found = None if self._whole else self._calls.find(part)
                self._grow(found or self._calls.begin(part), part, events)

    def call_legacy(self, function: Any, events: list[Event]) -> None:
        self._grow(self._calls.begin_legacy(), {"function": function}, events)

    def _grow(self, call: Call, fragment: Json, events: list[Event]) -> None:
        before = call.native
        text = self._calls.take(call, fragment)
        if call.index >= 0:
            more(call, text, None if call.native is before else call.native, events)
        elif call.name:
            self._prose.shut(events)
            id = made_id(self._counter.seed, self.number, self._calls.number(call))
            self._counter.next = tell(call, events, self.number, self._counter.next, id)

    def hear(self, audio: Any, events: list[Event]) -> None:
        if not isinstance(audio, dict):
            return
        data = cast("dict[str, Any]", audio)
        if self._audio < 0:
            self._prose.shut(events)
            self._audio = self._counter.take()
            block = Unknown(NAME, {"type": "audio", **data})
            events.append(BlockStart(self._audio, block, self.number, NAME))
        else:
            grown = {key: value for key, value in data.items() if key != "id"}
            events.append(UnknownDelta(self._audio, NAME, {"type": "audio", **grown}))

    def torn(self) -> bool:
        """Whether it breaks off within a call."""
        return not self.ended and self._calls.torn()

    def finish(self, raw: str | None, events: list[Event]) -> None:
        """Ends every block and says why the choice ended; `raw` is None where the upstream said nothing."""
        self._prose.shut(events)
        called = bool(self._calls)
        self._counter.next = self._calls.end(events, self.number, self._counter.next, self._counter.seed)
        if self._audio >= 0:
            events.append(BlockEnd(self._audio))
        reason = REASONS.get(raw, "other") if raw is not None else "end"
        if called and reason in {"end", "other"}:
            reason = "tool_use"
        elif reason == "tool_use" and not called:
            reason = "end"
        matched = next((self._extra[key] for key in _MATCHED if isinstance(self._extra.get(key), str)), None)
        if matched is not None and reason == "end":
            reason = "stop_sequence"
        extra = {**self._extra, "message": self._message} if self._message else self._extra
        events.append(Stop(reason, raw, matched, choice=self.number, extra=extra, dialect=NAME))
        self.ended = True


_STEPS: dict[str, Callable[[ChoiceReader, Any, list[Event]], None]] = {
    "tool_calls": ChoiceReader.call,
    LEGACY: ChoiceReader.call_legacy,
    "audio": ChoiceReader.hear,
}


def _empty(delta: Json) -> dict[str, Any]:
    """The empty members of a last delta; in the whole message they stand where nothing else was said."""
    known = {key: value for key, value in delta.items() if not value and key in _KNOWN}
    return {key: value for key, value in known.items() if key != "content" or value == ""}


def _left(key: str, value: object) -> bool:
    """Whether a member of a whole message has no place among the blocks."""
    if key == "role":
        return value != "assistant"
    if key == "content":
        return value == ""
    return not value if key in _SPOKEN else True


def joined(earlier: Any, later: Any) -> Any:
    """Both, objects member by member, arrays end to end; else the later, unless it is null."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        old, new = cast("dict[str, Any]", earlier), cast("dict[str, Any]", later)
        return {**old, **{key: joined(old.get(key), value) for key, value in new.items()}}
    if isinstance(earlier, list) and isinstance(later, list):
        return [*cast("list[Any]", earlier), *cast("list[Any]", later)]
    return cast("Any", earlier) if later is None else later

"""Answers of an upstream → events: a stream of chunks, or one completion.

States of a reader: waiting (no `MessageStart` yet; chunks without choices are held, as Azure sends one
ahead), answering, over (`[DONE]`, or an error). A stream is whole at `[DONE]`, or where it closes after every
choice that it began has said why it ended and no frame is half there; else it was cut.

`[DONE]` without any `finish_reason` is an end too: llama-cpp-python, several gateways and free-standing
servers never give a reason (abetlen/llama-cpp-python#735, alfredapp/openai-workflow#52,
anomalyco/opencode#43882), and a server that breaks off does not come to say that it is done; unless a
call's arguments break off before it.
"""

from contextlib import suppress
from typing import Any, cast

from pointsman.canon.errors import Fault, GarbledError, MalformedError, TruncatedError
from pointsman.canon.events import Event, Failure, MessageEnd, MessageStart, Stop, UnknownEvent, UsageReport
from pointsman.canon.json import Json
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.openai_chat.choice import ChoiceReader
from pointsman.dialects.openai_chat.errors import failed, fault_in
from pointsman.dialects.openai_chat.prose import Counter
from pointsman.dialects.openai_chat.usage import decode_usage
from pointsman.dialects.openai_chat.words import NAME, REASONS
from pointsman.wire.json import decode_part
from pointsman.wire.sse import FrameReader

PADDING = ""
"""The unknown event that holds a chunk's `obfuscation`."""
OBFUSCATION = "obfuscation"
OPENING = "opening"
"""The member of a start's form with the choice that only says the role, and the padding of its chunk."""
DONE = b"[DONE]"

_HEAD = frozenset({"id", "object", "created", "model", "choices", "usage", "error", OBFUSCATION})
_ROLE_ONLY = frozenset({"role", "content", "refusal", "reasoning_content", "tool_calls"})


class ChatDecoder:
    """One streamed answer."""

    def __init__(self, origin: Origin) -> None:
        self._frames = FrameReader(lenient=origin.lenient)
        self._answer = _Answer(origin, whole=False)
        self._lenient = origin.lenient

    def feed(self, data: bytes, /) -> list[Event]:
        """The events that `data` completes. Raises GarbledError."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            try:
                self._answer.frame(frame.data, events)
            except GarbledError as error:
                if not self._lenient:
                    raise
                events.append(UnknownEvent(NAME, UNREADABLE, {UNREADABLE: error.message}))
        return events

    def close(self) -> list[Event]:
        """The last events. Raises TruncatedError if the answer has not ended."""
        events: list[Event] = []
        broken = self._frames.begun()
        with suppress(GarbledError):
            for frame in self._frames.close():
                self._answer.frame(frame.data, events)
                broken = False
        self._answer.close(events, broken=broken)
        return events


def whole(answer: Json, origin: Origin) -> list[Event]:
    """The events of an answer that was not streamed. Raises GarbledError."""
    events: list[Event] = []
    reader = _Answer(origin, whole=True)
    _check_choices(answer)
    reader.chunk(answer, events)
    reader.end(events)
    return events


def summary(answer: Json) -> list[Event]:
    """The start, usage and end of an answer that was not streamed, or its failure. Raises GarbledError."""
    _check_choices(answer)
    choices = _choices(answer)
    objects = [cast("Json", choice) for choice in choices if isinstance(choice, dict)]
    ended = [choice for choice in objects if choice.get("finish_reason") == "error"]
    if answer.get("error") or ended:
        return [Failure(fault_in(answer if answer.get("error") else ended[0]))]
    model = answer.get("model")
    start = MessageStart(model=model if isinstance(model, str) else None, dialect=NAME)
    usage = answer.get("usage") or _odd_usage(answer, choices)
    reports = [_report(answer, cast("Json", usage))] if isinstance(usage, dict) else []
    return [start, *reports, *map(_end, objects[:1])]


def _end(choice: Json) -> Stop:
    """Why a whole choice ended."""
    raw, message = choice.get("finish_reason"), choice.get("message")
    word = raw if isinstance(raw, str) else None
    if isinstance(message, dict) and cast("Json", message).get("tool_calls"):
        return Stop("tool_use", word, dialect=NAME)
    return Stop(REASONS.get(word, "other") if word is not None else "end", word, dialect=NAME)


def _check_choices(answer: Json) -> None:
    if not answer.get("choices") and not answer.get("error"):
        raise GarbledError("the upstream's answer has no `choices`, so it is no Chat Completion")


def _choices(chunk: Json) -> list[Any]:
    found: object = chunk.get("choices") or []
    if not isinstance(found, list):
        raise GarbledError("the upstream's `choices` is no array, so this is no Chat Completion")
    return cast("list[Any]", found)


def _report(chunk: Json, usage: Json) -> UsageReport:
    tier = chunk.get("service_tier")
    return UsageReport(decode_usage(usage, tier if isinstance(tier, str) else None))


class _Answer:
    """One answer as far as it has come."""

    def __init__(self, origin: Origin, *, whole: bool) -> None:
        self._origin = origin
        self._whole = whole
        self._counter = Counter()
        self._choices: dict[int, ChoiceReader] = {}
        self._started = False
        self._over = False
        self._extra: dict[str, Any] = {}
        """What the chunks say of the whole answer, as first said."""
        self._late: dict[str, Any] = {}
        """What later chunks said otherwise, or new."""

    def frame(self, data: bytes, events: list[Event]) -> None:
        """One frame of the stream."""
        if self._over:
            return
        if data[:6] == DONE or data.strip() == DONE:
            self.end(events)
            return
        try:
            chunk = decode_part(data)
        except MalformedError as error:
            raise GarbledError(
                f"the upstream sent a chunk that is no JSON object: {error.message}"
            ) from error
        self.chunk(chunk, events)

    def chunk(self, chunk: Json, events: list[Event]) -> None:
        """One chunk, or the whole answer."""
        error = chunk.get("error")
        if error:
            self._fail(fault_in(chunk), events)
            return
        choices = _choices(chunk)
        usage = chunk.get("usage")
        if self._started:
            self._compare(chunk, events)
        elif not self._start(chunk, choices, usage, events):
            return
        for choice in choices:
            if isinstance(choice, dict):
                self._choice(cast("Json", choice), events)
                if self._over:
                    return
        usage = usage or _odd_usage(chunk, choices)
        if isinstance(usage, dict):
            events.append(_report(chunk, cast("Json", usage)))

    def _start(self, chunk: Json, choices: list[Any], usage: Any, events: list[Event]) -> bool:
        self._extra |= {key: value for key, value in chunk.items() if key not in _HEAD}
        if not choices and not usage:
            return False
        id, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        self._counter.seed = f"{id}:{created}"
        form = {} if self._whole else _form(chunk, choices)
        start = MessageStart(
            id=id if isinstance(id, str) and id else None,
            model=model if isinstance(model, str) and model else None,
            created=int(created) if isinstance(created, int | float) and created else None,
            extra=self._extra,
            dialect=NAME,
            form=form,
        )
        events.append(start)
        if OBFUSCATION in chunk and OPENING not in form:
            events.append(UnknownEvent(NAME, PADDING, {OBFUSCATION: chunk[OBFUSCATION]}))
        self._started = True
        return True

    def _compare(self, chunk: Json, events: list[Event]) -> None:
        """What a later chunk says of the whole answer."""
        for key, value in chunk.items():
            if key not in _HEAD:
                if value is not None and self._extra.get(key) != value:
                    self._late[key] = value
            elif key == OBFUSCATION:
                events.append(UnknownEvent(NAME, PADDING, {OBFUSCATION: value}))

    def _choice(self, choice: Json, events: list[Event]) -> None:
        index = choice.get("index")
        number = index if isinstance(index, int) and index >= 0 else len(self._choices) if self._whole else 0
        if self._whole and number in self._choices:
            number = max(self._choices) + 1
        reader = self._choices.get(number)
        if reader is None:
            reader = ChoiceReader(number, self._origin, self._counter, whole=self._whole)
            self._choices[number] = reader
        fault = failed(choice)
        if fault is not None:
            self._fail(fault, events)
            return
        said = choice.get("message") if self._whole else choice.get("delta") or choice.get("message")
        delta: Json = cast("Json", said) if isinstance(said, dict) else _legacy(choice)
        (reader.read_whole if self._whole else reader.read)(choice, delta, events)

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        events.append(Failure(fault))
        self._over = True

    def end(self, events: list[Event]) -> None:
        """The upstream says that this is all; without any choice, or within a call, it is not."""
        if self._over or not self._choices or self._torn():
            return
        for reader in self._choices.values():
            if not reader.ended:
                reader.finish(None, events)
        events.append(MessageEnd(self._late, NAME))
        self._over = True

    def _torn(self) -> bool:
        return not self._whole and any(reader.torn() for reader in self._choices.values())

    def close(self, events: list[Event], *, broken: bool) -> None:
        """The stream is closed, within a frame if `broken`. Raises TruncatedError if it was cut."""
        if self._over:
            return
        if broken or not self._choices or not all(reader.ended for reader in self._choices.values()):
            raise TruncatedError("the upstream's stream stopped before the answer's end; ask again")
        self.end(events)


def _legacy(choice: Json) -> Json:
    """What a choice of the legacy completions says, which are relayed and followed only."""
    text = choice.get("text")
    return {"content": text} if isinstance(text, str) else {}


def _form(chunk: Json, choices: list[Any]) -> dict[str, Any]:
    """How the stream opens, where its own dialect would otherwise open it in another way."""
    form: dict[str, Any] = {}
    if "usage" in chunk and chunk["usage"] is None:
        form["usage"] = None
    first: Json = cast("Json", choices[0]) if choices and isinstance(choices[0], dict) else {}
    delta = first.get("delta")
    if not isinstance(delta, dict) or "role" not in delta:
        form["role"] = False
        return form
    said = cast("Json", delta)
    empty = said.keys() <= _ROLE_ONLY and not any(value for key, value in said.items() if key != "role")
    numbered = isinstance(first.get("index", 0), int)
    if empty and numbered and len(choices) == 1 and not first.get("finish_reason"):
        form[OPENING] = first
        if OBFUSCATION in chunk:
            form[OBFUSCATION] = chunk[OBFUSCATION]
    return form


def _odd_usage(chunk: Json, choices: list[Any]) -> Any:
    """Usage where Moonshot (in the choice) and Groq (in its own field) put it."""
    for choice in choices:
        if isinstance(choice, dict) and isinstance(cast("Json", choice).get("usage"), dict):
            return cast("Json", choice)["usage"]
    own = chunk.get("x_groq")
    return cast("Json", own).get("usage") if isinstance(own, dict) else None

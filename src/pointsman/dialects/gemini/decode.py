"""Answers of an upstream → events: a stream of responses, or one.

A stream comes as server-sent events, or, without `alt=sse`, as one JSON array; which it is shows in its
first byte. There is no last event: a stream is whole where it closes after every candidate that it began
has said why it ended, or the prompt was blocked, and neither half an event nor an open array is left
over.

Behind the events of each response stands an `UnknownEvent` without a name, which holds what the response
says beside its parts. Their own dialect needs it to say the same responses again, cut in the same way.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import GarbledError, MalformedError, TruncatedError
from pointsman.canon.events import (
    Event,
    Failure,
    MessageEnd,
    MessageStart,
    Stop,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.gemini.candidate import CandidateReader, Counter, ended
from pointsman.dialects.gemini.errors import fault_in
from pointsman.dialects.gemini.usage import decode_usage
from pointsman.dialects.gemini.words import NAME
from pointsman.wire.json import decode_part
from pointsman.wire.json_array import ArrayReader
from pointsman.wire.sse import FrameReader

RESPONSE = ""
"""The unknown event that holds a response without its parts."""
PROMPT = "promptFeedback"

_CANDIDATES, _USAGE = "candidates", "usageMetadata"
_HEAD = frozenset({_CANDIDATES, _USAGE, "responseId", "modelVersion", "error"})


class StreamDecoder:
    """One streamed answer."""

    def __init__(self, origin: Origin) -> None:
        self._frames: _Frames = _Opening()
        self._answer = _Answer(origin, whole=False)
        self._lenient = origin.lenient

    def feed(self, data: bytes, /) -> list[Event]:
        """The events that `data` completes. Raises GarbledError."""
        events: list[Event] = []
        if isinstance(self._frames, _Opening):
            data = self._frames.join(data)
            self._frames = _frames_of(data, lenient=self._lenient) or self._frames
        for item in self._cut(data, events):
            try:
                self._answer.frame(item, events)
            except GarbledError as error:
                self._pass_over(error, events)
        return events

    def _cut(self, data: bytes, events: list[Event]) -> Iterable[bytes]:
        """The responses that `data` completes; of what is no stream at all, there are none from there on."""
        try:
            return self._frames.feed(data)
        except GarbledError as error:
            self._frames = _Unreadable()
            self._pass_over(error, events)
            return ()

    def _pass_over(self, error: GarbledError, events: list[Event]) -> None:
        """A tap goes on behind what it cannot read. Raises GarbledError for anybody else."""
        if not self._lenient:
            raise error
        events.append(UnknownEvent(NAME, UNREADABLE, {UNREADABLE: error.message}))

    def close(self) -> list[Event]:
        """The last events. Raises TruncatedError if the answer has not ended."""
        events: list[Event] = []
        broken = self._frames.begun()
        with suppress(GarbledError):
            for item in self._frames.close():
                self._answer.frame(item, events)
                broken = False
        self._answer.close(events, broken=broken)
        return events


class _Frames:
    """A way to cut a stream into responses."""

    def feed(self, data: bytes) -> Iterable[bytes]:
        """The responses that `data` completes. Raises GarbledError."""
        return ()

    def close(self) -> Iterable[bytes]:
        """The last response, if its end was left out."""
        return ()

    def begun(self) -> bool:
        """Whether something has begun that has no end."""
        return False


class _Unreadable(_Frames):
    """Behind something that is no stream."""

    def begun(self) -> bool:
        return True


class _Opening(_Frames):
    """Before the first byte that is no blank."""

    def __init__(self) -> None:
        self._held = b""

    def join(self, data: bytes) -> bytes:
        """All that has come."""
        self._held += data
        return self._held

    def feed(self, data: bytes) -> Iterable[bytes]:
        self._held = self._held[-1:]  # one blank is as good as many
        return ()


class _Events(_Frames):
    def __init__(self, *, lenient: bool) -> None:
        self._reader = FrameReader(lenient=lenient)

    def feed(self, data: bytes) -> Iterable[bytes]:
        return [frame.data for frame in self._reader.feed(data)]

    def close(self) -> Iterable[bytes]:
        return [frame.data for frame in self._reader.close()]

    def begun(self) -> bool:
        return self._reader.begun()


class _Array(_Frames):
    def __init__(self) -> None:
        self._reader = ArrayReader()

    def feed(self, data: bytes) -> Iterable[bytes]:
        return self._reader.feed(data)

    def begun(self) -> bool:
        return self._reader.begun()


def _frames_of(data: bytes, *, lenient: bool) -> _Frames | None:
    """The way in which a stream is cut that begins so; None while it is open."""
    first = data.lstrip(b" \t\r\n")[:1]
    if not first:
        return None
    return _Array() if first in (b"[", b"{") else _Events(lenient=lenient)


def decode_whole(body: Json, origin: Origin) -> list[Event]:
    """The events of an answer that was not streamed. Raises GarbledError."""
    events: list[Event] = []
    answer = _Answer(origin, whole=True)
    _check(body)
    answer.response(body, events)
    answer.end(events)
    return events


def summary(body: Json) -> list[Event]:
    """The start, usage and end of an answer that was not streamed, or its failure. Raises GarbledError."""
    if body.get("error"):
        return [Failure(fault_in(body))]
    _check(body)
    model, usage = body.get("modelVersion"), body.get(_USAGE)
    start = MessageStart(model=model if isinstance(model, str) else None, dialect=NAME)
    reports = [UsageReport(decode_usage(cast("Json", usage)))] if isinstance(usage, dict) else []
    candidates = body.get(_CANDIDATES)
    first = cast("list[Any]", candidates)[:1] if isinstance(candidates, list) else []
    return [start, *reports, *(ended(cast("Json", each)) for each in first if isinstance(each, dict))]


def _check(body: Json) -> None:
    if not body.get(_CANDIDATES) and not body.get(PROMPT) and not body.get("error"):
        raise GarbledError("the upstream's answer has no `candidates`, so it is no generated content")


class _Answer:
    """One answer as far as it has come."""

    def __init__(self, origin: Origin, *, whole: bool) -> None:
        self._origin = origin
        self._whole = whole
        self._counter = Counter(origin.answer)
        self._candidates: dict[int, CandidateReader] = {}
        self._started = False
        self._over = False
        self._blocked: Json | None = None
        self._usage: object = None
        self._extra: dict[str, Any] = {}
        """What the responses say of the whole answer, as first said."""
        self._late: dict[str, Any] = {}

    def frame(self, data: bytes, events: list[Event]) -> None:
        """One response of the stream."""
        if self._over or data == b"[DONE]":
            return
        try:
            response = decode_part(data)
        except MalformedError as error:
            raise GarbledError(
                f"the upstream sent a response that is no JSON object: {error.message}"
            ) from error
        self.response(response, events)

    def response(self, response: Json, events: list[Event]) -> None:
        """One response of a stream, or the whole answer."""
        if response.get("error"):
            self._over = True
            events.append(Failure(fault_in(response)))
            return
        self._begin(response, events)
        candidates = _objects(response, _CANDIDATES)
        places = [self._candidate(each, at, events) for at, each in enumerate(candidates)]
        feedback = response.get(PROMPT)
        if isinstance(feedback, dict) and cast("Json", feedback).get("blockReason"):
            self._blocked = cast("Json", feedback)
        usage = self._count(response)
        if usage is not None:
            events.append(UsageReport(usage))
        if self._origin.spelled and not self._whole:
            literal = [{**each, SPELLING: place} for each, place in zip(candidates, places, strict=True)]
            told = {**response, _CANDIDATES: literal} if literal else response
            events.append(UnknownEvent(NAME, RESPONSE, told))

    def _begin(self, response: Json, events: list[Event]) -> None:
        if self._started and response.keys() <= _HEAD:
            return
        rest = {key: value for key, value in response.items() if key not in _HEAD}
        if self._started:
            self._late |= {key: value for key, value in rest.items() if self._extra.get(key) != value}
            return
        self._started = True
        id, model = response.get("responseId"), response.get("modelVersion")
        self._counter.seed += f"{id}"
        self._extra = rest
        if response.get(_CANDIDATES) == []:
            rest[SPELLING] = {_CANDIDATES: []}
        start = MessageStart(
            id if isinstance(id, str) else None,
            model if isinstance(model, str) else None,
            usage=self._count(response),
            extra=rest,
            dialect=NAME,
        )
        events.append(start)

    def _count(self, response: Json) -> Usage | None:
        """The counts so far, if they are new."""
        wire = response.get(_USAGE)
        if not isinstance(wire, dict) or wire == self._usage:
            return None
        self._usage = cast("Json", wire)
        return decode_usage(cast("Json", wire))

    def _candidate(self, candidate: Json, at: int, events: list[Event]) -> tuple[int, list[Json | None]]:
        """Reads a candidate; returns its number, and its parts as far as events do not tell them."""
        index = candidate.get("index")
        number = index if isinstance(index, int) and not isinstance(index, bool) else at
        reader = self._candidates.get(number)
        if reader is None:
            reader = self._candidates[number] = CandidateReader(
                number, self._origin, self._counter, whole=self._whole
            )
        reader.begin()
        content = candidate.get("content")
        literal: list[Json | None] = []
        if isinstance(content, dict):
            try:
                parts = list(_objects(cast("Json", content), "parts"))
                literal = [None if reader.part(part, events) else part for part in parts]
            except MalformedError as error:
                raise GarbledError(f"the upstream's answer is not in its dialect: {error.message}") from error
        reader.note(candidate)
        return number, literal

    def close(self, events: list[Event], *, broken: bool) -> None:
        """The end of the stream. Raises TruncatedError."""
        if self._over:
            return
        ended = self._candidates and all(reader.ended for reader in self._candidates.values())
        if broken or not (ended or (self._blocked is not None and not self._candidates)):
            raise TruncatedError("the upstream's stream ended before each `finishReason`; ask again")
        self.end(events)

    def end(self, events: list[Event]) -> None:
        """The end of the answer."""
        if self._over:
            return
        self._over = True
        for reader in self._candidates.values():
            reader.stop(events)
        if self._blocked is not None and not self._candidates:
            events.append(_blocked(self._blocked))
        events.append(MessageEnd(self._late, NAME))


def _blocked(feedback: Json) -> Stop:
    """Why there is no answer at all."""
    reason = str(feedback.get("blockReason"))
    message = feedback.get("blockReasonMessage")
    told = message if isinstance(message, str) and message else f"the prompt was blocked: {reason}"
    details = {"type": "refusal", "explanation": told}
    return Stop("refusal", reason, None, details, extra={SPELLING: {PROMPT: True}}, dialect=NAME)


def _objects(value: Json, key: str) -> list[Json]:
    """The objects of an array; none where there is no array. Raises GarbledError for anything else."""
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise GarbledError(f"the upstream's `{key}` is no array, so this is no generated content")
    for each in cast("list[Any]", found):
        if not isinstance(each, dict):
            raise GarbledError(f"the upstream's `{key}` holds something that is no object")
    return cast("list[Json]", found)

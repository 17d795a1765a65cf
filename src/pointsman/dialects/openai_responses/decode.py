"""Answers of an upstream → events: a stream, or one whole response.

A stream is `response.created`, then for each item `output_item.added`, its parts and their deltas, and
`output_item.done`, then one of `response.completed`, `response.incomplete` and `response.failed`; `error` may
stand anywhere (developers.openai.com, "Streaming events"). A decoder is open until one of these; what comes
later is passed over. For its own dialect each event is kept as it came: a piece's beside it, any other ahead
of what it becomes.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import GarbledError, MalformedError
from pointsman.canon.events import Event, Failure, MessageEnd, MessageStart, Stop, UnknownEvent, UsageReport
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Origin
from pointsman.dialects.framed import FramedDecoder, garbled
from pointsman.dialects.free_text import FREE_TEXT
from pointsman.dialects.openai_responses.errors import event_fault, failed_fault
from pointsman.dialects.openai_responses.output import Output
from pointsman.dialects.openai_responses.said import beside, restored
from pointsman.dialects.openai_responses.usage import decode_usage
from pointsman.dialects.openai_responses.words import INCOMPLETE, NAME
from pointsman.wire.fields import as_integer, as_object, as_text
from pointsman.wire.json import decode_part
from pointsman.wire.sse import Frame

RESPONSE = "response"
"""The member of odd spellings that holds the response itself."""
SILENT = ""
"""The unknown event that holds one of this dialect's that says nothing by itself."""

_DONE = b"[DONE]"


class ResponsesDecoder(FramedDecoder):
    """One streamed answer."""

    def __init__(self, origin: Origin) -> None:
        self._answer = _Reading(origin)
        super().__init__(origin, self._answer, NAME, "`response.completed`")

    @property
    def reached(self) -> tuple[int, Json]:
        """(the next event's number, the response as it was when it began)."""
        return self._answer.number, self._answer.begun


class _Reading:
    """The answer as far as it has come: one step for each type of event."""

    def __init__(self, origin: Origin) -> None:
        self.over = False
        self.number = 0
        self.begun: Json = {}
        self._started = False
        self._output = Output(origin)
        self._names = origin.names
        self._kept = not any(sent.endswith(FREE_TEXT) for sent in origin.names)
        """Whether the events are kept; not where calls of one kind are told as calls of another."""
        self._spelled = self._kept and origin.spelled

    def read(self, frame: Frame, events: list[Event]) -> None:
        """Add the events of one frame. Raises MalformedError."""
        if self.over or frame.data.strip() == _DONE:
            return
        wire = decode_part(frame.data)
        number: object = wire.get("sequence_number")
        self.number = number + 1 if isinstance(number, int) else self.number
        name = as_text(wire.get("type") or frame.event, "type")
        if wire.get("error") and name not in _STEPS:
            name = "error"
        piece = _PIECES.get(name)
        if piece is not None:
            self._start({}, events)
            piece(self, wire, beside(wire, spelled=self._spelled), events)
            return
        step = _STEPS.get(name)
        if step is None:
            self._keep(wire, SILENT if name.startswith(_PROGRESS) else name, events)
        else:
            step(self, wire, events)

    def _keep(self, wire: Json, name: str, events: list[Event]) -> None:
        if self._kept or name:
            events.append(UnknownEvent(NAME, name, wire))

    def _start(self, response: Json, events: list[Event]) -> None:
        """The answer begins, if it has not; some servers say so with their first item only."""
        if not self._started:
            self._started = True
            events.append(_start(response))

    # The response

    def created(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self.begun = as_object(wire.get(RESPONSE), RESPONSE)
        self._start(self.begun, events)

    def ended(self, wire: Json, events: list[Event]) -> None:
        response = as_object(wire.get(RESPONSE), RESPONSE)
        kept = self._restored(response)
        self._keep({**wire, RESPONSE: kept}, SILENT, events)
        self._start(response, events)
        self.finish(response, kept, events)

    def _restored(self, response: Json) -> Json:
        """The response with the names that the client knows."""
        if not self._names or "output" not in response:
            return response
        output = [restored(item, self._names) for item in _objects(response["output"])]
        return {**response, "output": output}

    def failed(self, wire: Json, events: list[Event]) -> None:
        self.over = True
        response: object = wire.get(RESPONSE)
        events.append(Failure(failed_fault(cast("Json", response) if isinstance(response, dict) else {})))

    def error(self, wire: Json, events: list[Event]) -> None:
        self.over = True
        events.append(Failure(event_fault(wire)))

    def take_whole(self, response: Json, events: list[Event]) -> None:
        """A response that was not streamed."""
        self._start(response, events)
        self.finish(response, self._restored(response), events)

    def finish(self, response: Json, kept: Json, events: list[Event]) -> None:
        """The end of a response, whose items count as far as nothing was said of them before."""
        for number, item in enumerate(_objects(response.get("output"))):
            self._output.finish(number, item, events)
        self._output.end(events)
        usage = response.get("usage")
        if isinstance(usage, dict):
            events.append(UsageReport(decode_usage(cast("Json", usage), response.get("service_tier"))))
        if not kept.get("output"):
            kept = {**kept, "output": [restored(item, self._names) for item in self._output.wires()]}
        events.append(_stop(response, called=self._output.called))
        events.append(MessageEnd({SPELLING: {RESPONSE: kept}}, NAME))
        self.over = True

    # Items

    def item_added(self, wire: Json, events: list[Event]) -> None:
        item = self._item(wire, events)
        self._start({}, events)
        self._output.add(_number(wire), item, events)

    def item_done(self, wire: Json, events: list[Event]) -> None:
        item = self._item(wire, events)
        self._start({}, events)
        self._output.finish(_number(wire), item, events)

    def _item(self, wire: Json, events: list[Event]) -> Json:
        item = as_object(wire.get("item"), "item")
        known = restored(item, self._names) if self._names else item
        self._keep(wire if known is item else {**wire, "item": known}, SILENT, events)
        return item

    def part_added(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self._start({}, events)
        part = as_object(wire.get("part"), "part")
        if part.get("type") in ("output_text", "refusal"):
            self._output.part(_number(wire), _at(wire), part, events)

    def part_done(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self._start({}, events)
        part = as_object(wire.get("part"), "part")
        self._output.finish_part(_number(wire), _at(wire), part, events)

    def cited(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self._start({}, events)
        said = self._output.part(_number(wire), _at(wire), {"type": "output_text"}, events)
        said.cite(as_object(wire.get("annotation"), "annotation"), self._output.issuer, events)

    def text_done(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self._start({}, events)
        refused = "refusal" in wire
        part = {"type": "refusal" if refused else "output_text"}
        said = self._output.part(_number(wire), _at(wire), part, events)
        if not said.ended:
            said.complete(wire.get("refusal" if refused else "text"), events)

    def arguments_done(self, wire: Json, events: list[Event]) -> None:
        self._keep(wire, SILENT, events)
        self._start({}, events)
        call = self._output.item(_number(wire)).whole
        if call is not None and not call.ended:
            call.complete(wire.get("arguments", wire.get("input")), events)

    # Pieces

    def text(self, wire: Json, extra: Json, events: list[Event]) -> None:
        said = self._output.part(_number(wire), _at(wire), {"type": "output_text"}, events)
        said.say(as_text(wire.get("delta"), "delta"), extra, events)

    def refusal(self, wire: Json, extra: Json, events: list[Event]) -> None:
        said = self._output.part(_number(wire), _at(wire), {"type": "refusal"}, events)
        said.say(as_text(wire.get("delta"), "delta"), extra, events)

    def arguments(self, wire: Json, extra: Json, events: list[Event]) -> None:
        delta, call = as_text(wire.get("delta"), "delta"), self._output.item(_number(wire)).whole
        if call is not None:
            call.say(delta, extra, events)
        elif extra:
            self._keep(wire, SILENT, events)

    def summary(self, wire: Json, extra: Json, events: list[Event]) -> None:
        key = ("summary", _integer(wire, "summary_index"))
        self._output.think(_number(wire), key, as_text(wire.get("delta"), "delta"), extra, events)

    def thought(self, wire: Json, extra: Json, events: list[Event]) -> None:
        key = ("content", _at(wire))
        self._output.think(_number(wire), key, as_text(wire.get("delta"), "delta"), extra, events)


_STEPS: dict[str, Callable[[_Reading, Json, list[Event]], None]] = {
    "response.created": _Reading.created,
    "response.queued": _Reading.created,
    "response.in_progress": _Reading.created,
    "response.completed": _Reading.ended,
    "response.incomplete": _Reading.ended,
    "response.failed": _Reading.failed,
    "error": _Reading.error,
    "response.output_item.added": _Reading.item_added,
    "response.output_item.done": _Reading.item_done,
    "response.content_part.added": _Reading.part_added,
    "response.content_part.done": _Reading.part_done,
    "response.output_text.annotation.added": _Reading.cited,
    "response.output_text.done": _Reading.text_done,
    "response.refusal.done": _Reading.text_done,
    "response.function_call_arguments.done": _Reading.arguments_done,
    "response.custom_tool_call_input.done": _Reading.arguments_done,
}
_PIECES: dict[str, Callable[[_Reading, Json, Json, list[Event]], None]] = {
    "response.output_text.delta": _Reading.text,
    "response.refusal.delta": _Reading.refusal,
    "response.function_call_arguments.delta": _Reading.arguments,
    "response.custom_tool_call_input.delta": _Reading.arguments,
    "response.reasoning_summary_text.delta": _Reading.summary,
    "response.reasoning_text.delta": _Reading.thought,
}
_PROGRESS = (
    "response.reasoning_",
    "response.web_search_call.",
    "response.file_search_call.",
    "response.code_interpreter_call",
    "response.image_generation_call.",
    "response.mcp_",
    "response.shell_call",
    "response.compaction.",
    "keepalive",
)
"""How the types of events begin that only tell how far an item has come; it says all of it at its end."""

_KNOWN = frozenset(
    {"id", "object", "created_at", "completed_at", "status", "error", "incomplete_details", "instructions"}
    | {"metadata", "model", "output", "parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p"}
    | {"background", "conversation", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt"}
    | {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "text", "usage"}
    | {"safety_identifier", "service_tier", "store", "top_logprobs", "truncation", "user", "output_text"}
    | {"presence_penalty", "frequency_penalty", "billing"}
)
"""Members that repeat the request or are said elsewhere (openai-python, `types/responses/response.py`)."""


def whole(body: Json, origin: Origin) -> Iterable[Event]:
    """The events of an answer that was not streamed. Raises GarbledError."""
    failure = _failure(body)
    if failure is not None:
        return [failure]
    events: list[Event] = []
    try:
        _Reading(origin).take_whole(body, events)
    except MalformedError as error:
        raise garbled(error) from error
    return events


def summary(body: Json) -> list[Event]:
    """The start, usage and end of an answer that was not streamed, or its failure. Raises GarbledError."""
    failure = _failure(body)
    if failure is not None:
        return [failure]
    usage = body.get("usage")
    counts = decode_usage(cast("Json", usage), body.get("service_tier")) if isinstance(usage, dict) else None
    start = MessageStart(model=_text(body.get("model")), usage=counts, dialect=NAME)
    return [start, _stop(body, called=_calls(body))]


_CALLS = frozenset({"function_call", "custom_tool_call"})


def _calls(body: Json) -> bool:
    """Whether a whole response asks for a call of the client's own tools."""
    output = body.get("output")
    items = cast("list[Any]", output) if isinstance(output, list) else []
    return any(isinstance(item, dict) and _text(cast("Json", item).get("type")) in _CALLS for item in items)


def _failure(body: Json) -> Failure | None:
    """The failure that a body reports. Raises GarbledError for one that is no response at all."""
    if body.get("status") == "failed":
        return Failure(failed_fault(body))
    if isinstance(body.get("output"), list):
        return None
    if body.get("error"):
        return Failure(event_fault(body))
    raise GarbledError("the upstream's answer has no `output`, so it is no response of this API")


def _start(response: Json) -> MessageStart:
    created = response.get("created_at")
    unknown = {name: value for name, value in response.items() if name not in _KNOWN}
    return MessageStart(
        id=_text(response.get("id")),
        model=_text(response.get("model")),
        created=int(created) if isinstance(created, int | float) and created else None,
        extra={**unknown, SPELLING: {RESPONSE: response}} if response else {},
        dialect=NAME,
    )


def _stop(response: Json, *, called: bool) -> Stop:
    status = _text(response.get("status"))
    if status == "incomplete":
        details: object = response.get("incomplete_details")
        raw = _text(cast("Json", details).get("reason")) if isinstance(details, dict) else None
        return Stop(INCOMPLETE.get(raw or "", "other"), raw or status, dialect=NAME)
    if status in (None, "completed"):
        return Stop("tool_use" if called else "end", status, dialect=NAME)
    return Stop("other", status, dialect=NAME)


def _number(wire: Json) -> int:
    return _integer(wire, "output_index")


def _at(wire: Json) -> int:
    return _integer(wire, "content_index")


def _integer(wire: Json, name: str) -> int:
    value = wire.get(name, 0)
    return value if type(value) is int else as_integer(value, name)


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [as_object(each, "output") for each in found]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

"""What an answer loses on its way to a client of this dialect."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Audio, Document, Image, Refusal, ServerTool, ToolCall, Unknown
from pointsman.canon.events import (
    Answer,
    ArgumentsDelta,
    BlockStart,
    CitationDelta,
    Event,
    MessageEnd,
    MessageStart,
    NativeDelta,
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
from pointsman.dialects.bedrock_converse.arguments import is_object
from pointsman.dialects.bedrock_converse.words import MALFORMED, NAME
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import unsaid

_NO_STATE = "tool calls carry no opaque state here"


def answer_losses(event: Event) -> tuple[Loss, ...]:
    """What cannot be said of one event."""
    losses = _LOSSES.get(type(event))
    return () if losses is None or getattr(event, "dialect", "") == NAME else losses(event)


def fold_losses(answer: Answer, asked: Asked) -> tuple[Loss, ...]:
    """Arguments that are no JSON: a stream passes their text on, a whole answer needs an object."""
    blocks = answer.choices[0].blocks if answer.choices and answer.dialect != NAME else ()
    calls = [block for block in blocks if isinstance(block, ToolCall) and block.kind == "function"]
    if all(is_object(call.arguments) for call in calls):
        return ()
    return (Loss("approximated", "tool_call.arguments", f"no JSON object; their text is in `{MALFORMED}`"),)


def _dropped(what: str, why: str) -> tuple[Loss, ...]:
    return (Loss("dropped", what, why),)


def _fields(extra: Json) -> tuple[Loss, ...]:
    return tuple(Loss("dropped", name, "this dialect has no such field") for name in unsaid(extra))


def _start(event: MessageStart) -> tuple[Loss, ...]:
    said = {name: value for name, value in event.extra.items() if name not in _FORMAL}
    return (*_fields(said), *(() if event.usage is None else _counts(event.usage)))


_FORMAL = ("type", "role", "object", "service_tier")
"""What goes without saying here, or is said among the counts."""


def _end(event: MessageEnd) -> tuple[Loss, ...]:
    return _fields(event.extra)


def _report(event: UsageReport) -> tuple[Loss, ...]:
    return _counts(event.usage)


def _counts(usage: Usage) -> tuple[Loss, ...]:
    if not usage.reasoning:
        return ()
    return (Loss("approximated", "usage", "thinking is counted as output"),)


def _stop(event: Stop) -> tuple[Loss, ...]:
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    losses = _fields({name: value for name, value in event.extra.items() if value != event.sequence})
    if event.sequence:
        losses = (*_dropped("stop_sequence", "which one it was is not said here"), *losses)
    if event.details:
        losses = (*_dropped("stop_details", "this dialect has none"), *losses)
    if event.reason == "pause" or (event.reason == "other" and event.raw is not None):
        why = f"`{event.raw or event.reason}` as an end of the model's own"
        losses = (Loss("approximated", "stop_reason", why), *losses)
    return losses


def _block(event: BlockStart) -> tuple[Loss, ...]:
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    losses = _BLOCKS.get(type(event.block))
    beside = _fields(getattr(event.block, "extra", {}))
    return beside if losses is None else (*losses(event.block), *beside)


def _refusal(block: Refusal) -> tuple[Loss, ...]:
    return (Loss("approximated", "refusal", "said as text, with the stop reason `content_filtered`"),)


def _media(block: Image | Audio | Document) -> tuple[Loss, ...]:
    return _dropped(type(block).__name__.lower(), "answers are text here")


def _call(block: ToolCall) -> tuple[Loss, ...]:
    losses: tuple[Loss, ...] = ()
    if block.kind == "custom":
        losses = (Loss("approximated", "tool_call", "free text is said as one string, `input`"),)
    return losses if block.native is None else (*losses, *_dropped("tool_call.native", _NO_STATE))


def _server_tool(block: ServerTool) -> tuple[Loss, ...]:
    return _dropped(f"server_tool.{block.name}", "a tool of another provider has no form here")


def _unknown_block(block: Unknown) -> tuple[Loss, ...]:
    return _dropped(f"block.{block.data.get('type')}", "a block of another dialect that is not known here")


def _citation(event: CitationDelta) -> tuple[Loss, ...]:
    if event.citation.native is not None and event.citation.native.dialect == NAME:
        return ()
    return (*_fields(event.extra), *_dropped("citation", "one of another dialect has no form here"))


def _attached(event: TextDelta | ThinkingDelta | ArgumentsDelta) -> tuple[Loss, ...]:
    """What another dialect attaches to a piece of a block."""
    return _fields(event.extra)


def _native(event: NativeDelta) -> tuple[Loss, ...]:
    if event.of != "call" or event.native.dialect == NAME:
        return _fields(event.extra)
    return (*_fields(event.extra), *_dropped("tool_call.native", _NO_STATE))


def _delta(event: UnknownDelta) -> tuple[Loss, ...]:
    return _dropped("delta", "a delta of another dialect that is not known here")


def _event(event: UnknownEvent) -> tuple[Loss, ...]:
    if not event.name:
        return ()
    return _dropped(event.name, "an event of another dialect that is not known here")


_BLOCKS: dict[type, Callable[[Any], tuple[Loss, ...]]] = {
    Refusal: _refusal,
    Image: _media,
    Audio: _media,
    Document: _media,
    ToolCall: _call,
    ServerTool: _server_tool,
    Unknown: _unknown_block,
}

_LOSSES: dict[type, Callable[[Any], tuple[Loss, ...]]] = {
    MessageStart: _start,
    UsageReport: _report,
    Stop: _stop,
    MessageEnd: _end,
    BlockStart: _block,
    CitationDelta: _citation,
    TextDelta: _attached,
    ThinkingDelta: _attached,
    ArgumentsDelta: _attached,
    NativeDelta: _native,
    UnknownDelta: _delta,
    UnknownEvent: _event,
}

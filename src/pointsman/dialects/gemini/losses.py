"""What a client of this dialect does not see of an answer."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Citation, Refusal, ServerTool, Text, ToolCall, Unknown
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
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.gemini.arguments import parse_arguments
from pointsman.dialects.gemini.words import FINISHES, MALFORMED, NAME

MALFORMED_ARGUMENTS = Loss(
    "approximated", "tool_call.arguments", f"no JSON object; their text is in `{MALFORMED}`"
)

_FIXED = frozenset({"type", "role", "object", "service_tier"})
"""Fields that say the same in every answer."""
_NEAR = frozenset({"pause", "context_window"})
"""Reasons for which another one stands."""


def answer_losses(event: Event) -> tuple[Loss, ...]:
    """What this dialect cannot say of an event."""
    find = _FINDERS.get(type(event))
    return () if find is None else find(event)


def fold_losses(answer: Answer, asked: Asked) -> tuple[Loss, ...]:
    """Arguments that are no object."""
    if answer.dialect == NAME:
        return ()
    blocks = [block for choice in answer.choices for block in choice.blocks]
    calls = [block for block in blocks if isinstance(block, ToolCall) and block.kind == "function"]
    malformed = any(parse_arguments(call.arguments) is None for call in calls)
    return (MALFORMED_ARGUMENTS,) if malformed else ()


def _dropped(what: str, why: str) -> tuple[Loss, ...]:
    return (Loss("dropped", what, why),)


def _fields(extra: Json) -> tuple[Loss, ...]:
    return tuple([Loss("dropped", name, "this dialect has no such field") for name in unsaid(extra)])


def _start(event: MessageStart) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    losses = _fields({key: value for key, value in event.extra.items() if key not in _FIXED})
    return losses if event.usage is None else (*losses, *_written(event.usage))


def _count(event: UsageReport) -> tuple[Loss, ...]:
    return _written(event.usage)


def _written(usage: Usage) -> tuple[Loss, ...]:
    if not usage.cache_write_5m and not usage.cache_write_1h:
        return ()
    return (Loss("approximated", "usage", "what was written to a cache counts as other input"),)


def _end(event: MessageEnd) -> tuple[Loss, ...]:
    return () if event.dialect == NAME else _fields(event.extra)


def _block(event: BlockStart) -> tuple[Loss, ...]:
    block = event.block
    if isinstance(block, ServerTool):
        if block.native.dialect == NAME:
            return ()
        return _dropped(f"server_tool.{block.name}", "a tool of another provider has no form here")
    if isinstance(block, Unknown):
        if block.dialect == NAME:
            return ()
        return _dropped(
            f"block.{block.data.get('type')}", "a block of another dialect that is not known here"
        )
    losses = () if event.dialect == NAME else _fields(getattr(block, "extra", {}))
    if isinstance(block, Refusal):
        near = Loss("approximated", "refusal", "said as text, with a reason that declines")
        return (near, *losses)
    if isinstance(block, ToolCall) and block.kind == "custom":
        near = Loss("approximated", "tool_call", "free text is said as one string, `input`")
        return (near, *losses)
    if isinstance(block, Text):
        return (*losses, *(loss for citation in block.citations for loss in _citation(citation)))
    return losses


def _citation(citation: Citation) -> tuple[Loss, ...]:
    native = citation.native
    if citation.url is not None or (native is not None and native.dialect == NAME):
        return ()
    return _dropped("citation", "this dialect cites addresses only")


def _cite(event: CitationDelta) -> tuple[Loss, ...]:
    beside = () if event.dialect == NAME else _fields(event.extra)
    return (*beside, *_citation(event.citation))


def _attached(event: TextDelta | ThinkingDelta | ArgumentsDelta | NativeDelta) -> tuple[Loss, ...]:
    """What another dialect attaches to a piece of a block."""
    return () if event.dialect == NAME else _fields(event.extra)


def _stop(event: Stop) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    explained = isinstance((event.details or {}).get("explanation"), str)
    said = {key: value for key, value in event.extra.items() if value != event.sequence}
    losses = _fields({**said, "stop_sequence": event.sequence})
    if event.details:
        why = "its explanation stands in `finishMessage`" if explained else "this dialect has no such field"
        losses += (Loss("approximated" if explained else "dropped", "stop_details", why),)
    if event.reason not in _NEAR and not (event.reason == "other" and event.raw):
        return losses
    said = event.raw or event.reason
    return (Loss("approximated", "stop_reason", f"`{said}` as `{FINISHES[event.reason]}`"), *losses)


def _unknown_delta(event: UnknownDelta) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    return _dropped("delta", "a delta of another dialect that is not known here")


def _unknown_event(event: UnknownEvent) -> tuple[Loss, ...]:
    if event.dialect == NAME or not event.name:
        return ()
    return _dropped(event.name, "an event of another dialect that is not known here")


_FINDERS: dict[type, Callable[[Any], tuple[Loss, ...]]] = {
    MessageStart: _start,
    BlockStart: _block,
    CitationDelta: _cite,
    TextDelta: _attached,
    ThinkingDelta: _attached,
    ArgumentsDelta: _attached,
    NativeDelta: _attached,
    Stop: _stop,
    MessageEnd: _end,
    UsageReport: _count,
    UnknownDelta: _unknown_delta,
    UnknownEvent: _unknown_event,
}

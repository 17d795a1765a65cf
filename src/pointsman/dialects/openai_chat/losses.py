"""What a client of this dialect does not see of an answer."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Audio, Citation, Document, Image, ServerTool, Text, ToolCall, Unknown
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
)
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.openai_chat.fold import annotation, explanation
from pointsman.dialects.openai_chat.messages import LEGACY
from pointsman.dialects.openai_chat.words import NAME, REASONS

_FIXED = frozenset({"type", "role", "object"})
"""Fields that say the same in every answer."""
_NEAR = {"pause": "stop", "context_window": "length", "other": "stop"}


def answer_losses(event: Event) -> tuple[Loss, ...]:
    """What this dialect cannot say of an event."""
    find = _FINDERS.get(type(event))
    return () if find is None else find(event)


def fold_losses(answer: Answer, asked: Asked) -> tuple[Loss, ...]:
    """Calls for a client that reads one."""
    if answer.dialect == NAME:
        return ()
    calls = [sum(isinstance(block, ToolCall) for block in choice.blocks) for choice in answer.choices]
    return call_losses(max(calls, default=0), asked)


def call_losses(calls: int, asked: Asked) -> tuple[Loss, ...]:
    """Of so many calls in a choice, the deprecated field holds the first."""
    if asked.call_form != LEGACY or calls < 2:
        return ()
    return (Loss("dropped", "tool_calls", f"`{LEGACY}` holds one call, the answer has {calls}"),)


def _start(event: MessageStart) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    return _fields({key: value for key, value in event.extra.items() if key not in _FIXED})


def _end(event: MessageEnd) -> tuple[Loss, ...]:
    return _fields(event.extra) if event.extra and event.dialect != NAME else ()


def _fields(extra: Json) -> tuple[Loss, ...]:
    return tuple(Loss("dropped", name, "this dialect has no such field") for name in unsaid(extra))


def _block(event: BlockStart) -> tuple[Loss, ...]:
    block = event.block
    if isinstance(block, ServerTool):
        return (
            Loss("dropped", block.name, f"this dialect does not show a provider's own tool ({block.part})"),
        )
    if isinstance(block, Image | Audio | Document):
        return (Loss("dropped", type(block).__name__.lower(), "answers are text here"),)
    if isinstance(block, Unknown) and block.dialect != NAME:
        return (Loss("dropped", str(block.data.get("type", "block")), "a block of a kind that is not known"),)
    losses = () if event.dialect == NAME else _fields(getattr(block, "extra", {}))
    if isinstance(block, Text):
        return (*losses, *(loss for citation in block.citations for loss in _citation(citation)))
    return losses


def _cite(event: CitationDelta) -> tuple[Loss, ...]:
    beside = () if event.dialect == NAME else _fields(event.extra)
    return (*beside, *_citation(event.citation))


def _attached(event: TextDelta | ThinkingDelta | ArgumentsDelta | NativeDelta) -> tuple[Loss, ...]:
    """What another dialect attaches to a piece of a block."""
    return _fields(event.extra) if event.extra and event.dialect != NAME else ()


def _citation(citation: Citation) -> tuple[Loss, ...]:
    if annotation(citation, 0, 0) is not None:
        return ()
    return (Loss("dropped", "citations", "this dialect cites addresses only"),)


def _stop(event: Stop) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    near = _NEAR.get(event.reason)
    explained = explanation(event) is not None
    details = None if explained else event.details
    losses = _fields({**event.extra, "stop_sequence": event.sequence, "stop_details": details})
    if explained:
        losses = (*losses, Loss("approximated", "stop_details", "its explanation stands in `refusal`"))
    if near is None or event.raw is None or event.raw in REASONS:
        return losses
    return (Loss("approximated", "stop_reason", f"`{event.raw or event.reason}` as `{near}`"), *losses)


def _unknown_delta(event: UnknownDelta) -> tuple[Loss, ...]:
    return () if event.dialect == NAME else _unknown("a delta")


def _unknown_event(event: UnknownEvent) -> tuple[Loss, ...]:
    return () if event.dialect == NAME or not event.name else _unknown(event.name)


def _unknown(name: str) -> tuple[Loss, ...]:
    return (Loss("dropped", name, "of a kind that is not known"),)


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
    UnknownDelta: _unknown_delta,
    UnknownEvent: _unknown_event,
}

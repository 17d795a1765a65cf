"""What a client of this dialect does not see of an answer."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Audio, Citation, Document, Image, ServerTool, Text, Unknown
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
from pointsman.dialects.openai_responses.citations import encode_annotation
from pointsman.dialects.openai_responses.words import NAME

_FIXED = frozenset({"type", "role", "object", "service_tier"})
"""Fields that say the same in every answer, or that are said in another place."""
_NEAR = {"pause": "completed", "context_window": "max_output_tokens", "other": "completed"}


def answer_losses(event: Event) -> tuple[Loss, ...]:
    """What this dialect cannot say of an event."""
    find = _FINDERS.get(type(event))
    return () if find is None else find(event)


def fold_losses(answer: Answer, asked: Asked) -> tuple[Loss, ...]:
    """None beside those of the events."""
    return ()


def _dropped(what: str, why: str) -> tuple[Loss, ...]:
    return (Loss("dropped", what, why),)


def _fields(extra: Json) -> tuple[Loss, ...]:
    return tuple(Loss("dropped", name, "this dialect has no such field") for name in unsaid(extra))


def _start(event: MessageStart) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    return _fields({key: value for key, value in event.extra.items() if key not in _FIXED})


def _block(event: BlockStart) -> tuple[Loss, ...]:
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    block = event.block
    if isinstance(block, ServerTool) and block.native.dialect != NAME:
        return _dropped(block.name, f"this dialect does not show another provider's own tool ({block.part})")
    if isinstance(block, Unknown) and block.dialect != NAME:
        return _dropped(str(block.data.get("type", "block")), "a block of a kind that is not known")
    if isinstance(block, Image | Audio | Document):
        return _dropped(type(block).__name__.lower(), "answers are text here")
    losses = () if event.dialect == NAME else _fields(getattr(block, "extra", {}))
    if isinstance(block, Text):
        return (*losses, *(loss for citation in block.citations for loss in _citation(citation)))
    return losses


def _cite(event: CitationDelta) -> tuple[Loss, ...]:
    beside = () if event.dialect == NAME else _fields(event.extra)
    return (*beside, *_citation(event.citation))


def _citation(citation: Citation) -> tuple[Loss, ...]:
    if encode_annotation(citation, 0) is not None:
        return ()
    return _dropped("citations", "this dialect cites addresses only")


def _attached(event: Any) -> tuple[Loss, ...]:
    """What another dialect attaches to a piece of a block, or to the end."""
    return () if event.dialect == NAME else _fields(event.extra)


def _stop(event: Stop) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    kept = {key: value for key, value in event.extra.items() if value != event.sequence}
    losses = _fields({**kept, "stop_sequence": event.sequence, "stop_details": event.details})
    near = _NEAR.get(event.reason)
    if near is None or (event.reason == "other" and event.raw is None):
        return losses
    return (Loss("approximated", "stop_reason", f"`{event.raw or event.reason}` as `{near}`"), *losses)


def _unknown_delta(event: UnknownDelta) -> tuple[Loss, ...]:
    return () if event.dialect == NAME else _dropped("a delta", "of a kind that is not known")


def _unknown_event(event: UnknownEvent) -> tuple[Loss, ...]:
    if event.dialect == NAME or not event.name:
        return ()
    return _dropped(event.name, "of a kind that is not known")


_FINDERS: dict[type, Callable[[Any], tuple[Loss, ...]]] = {
    MessageStart: _start,
    BlockStart: _block,
    CitationDelta: _cite,
    TextDelta: _attached,
    ThinkingDelta: _attached,
    ArgumentsDelta: _attached,
    NativeDelta: _attached,
    MessageEnd: _attached,
    Stop: _stop,
    UnknownDelta: _unknown_delta,
    UnknownEvent: _unknown_event,
}

"""What an answer loses on its way to a client of this dialect."""

from collections.abc import Callable, Sequence
from typing import Any

from pointsman.canon.blocks import (
    Audio,
    Block,
    Document,
    Image,
    Refusal,
    ServerTool,
    Thinking,
    ToolCall,
    Unknown,
)
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
from pointsman.dialects.anthropic.answer_blocks import shown
from pointsman.dialects.anthropic.arguments import parse_arguments
from pointsman.dialects.anthropic.words import MALFORMED, NAME
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import unsaid

SILENT_AT_END = (Loss("dropped", "thinking", "it has no text, and an answer ends with what it says"),)
_NO_STATE = "tool calls carry no opaque state here"


def answer_losses(event: Event) -> tuple[Loss, ...]:
    """What cannot be said of one event."""
    losses = _LOSSES.get(type(event))
    return () if losses is None else losses(event)


def fold_losses(answer: Answer, asked: Asked) -> tuple[Loss, ...]:
    """Thinking left out of the answer's end; arguments that are no JSON, which a stream passes on as text."""
    blocks = answer.choices[0].blocks if answer.choices and answer.dialect != NAME else ()
    left_out = [block for block in blocks[shown(blocks) :] if isinstance(block, Thinking)]
    # What holds no state either is nothing that could be lost.
    return (SILENT_AT_END if any(block.native is not None for block in left_out) else ()) + _malformed(blocks)


def _malformed(blocks: Sequence[Block]) -> tuple[Loss, ...]:
    calls = [block for block in blocks if isinstance(block, ToolCall) and block.kind == "function"]
    if all(parse_arguments(call.arguments) is not None for call in calls):
        return ()
    return (Loss("approximated", "tool_call.arguments", f"no JSON object; their text is in `{MALFORMED}`"),)


def _dropped(what: str, why: str) -> tuple[Loss, ...]:
    return (Loss("dropped", what, why),)


def _fields(extra: Json) -> tuple[Loss, ...]:
    return tuple(Loss("dropped", name, "this dialect has no such field") for name in unsaid(extra))


def _start(event: MessageStart) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    return _fields({name: value for name, value in event.extra.items() if name != "service_tier"})


def _end(event: MessageEnd) -> tuple[Loss, ...]:
    return _fields(event.extra) if event.extra and event.dialect != NAME else ()


def _stop(event: Stop) -> tuple[Loss, ...]:
    """The sequence that matched is said; a foreign stop may hold it in its own words, too."""
    if event.dialect == NAME:
        return ()
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    losses = _fields({name: value for name, value in event.extra.items() if value != event.sequence})
    if event.reason != "other" or event.raw is None:
        return losses
    return (Loss("approximated", "stop_reason", f"`{event.raw}` as an end of the model's own"), *losses)


def _block(event: BlockStart) -> tuple[Loss, ...]:
    if event.choice:
        return _dropped("choices", "an answer has one choice here")
    losses = _BLOCKS.get(type(event.block))
    unsaid = () if event.dialect == NAME else _fields(getattr(event.block, "extra", {}))
    return unsaid if losses is None else (*losses(event.block), *unsaid)


def _refusal(block: Refusal) -> tuple[Loss, ...]:
    return (Loss("approximated", "refusal", "said as text, with the stop reason `refusal`"),)


def _media(block: Image | Audio | Document) -> tuple[Loss, ...]:
    return _dropped(type(block).__name__.lower(), "answers are text here")


def _call(block: ToolCall) -> tuple[Loss, ...]:
    losses: tuple[Loss, ...] = ()
    if block.kind == "custom":
        losses = (Loss("approximated", "tool_call", "free text is said as one string, `input`"),)
    if block.native is None or block.native.dialect == NAME:
        return losses
    return (*losses, *_dropped("tool_call.native", _NO_STATE))


def _server_tool(block: ServerTool) -> tuple[Loss, ...]:
    if block.native.dialect == NAME:
        return ()
    return _dropped(f"server_tool.{block.name}", "a tool of another provider has no form here")


def _unknown_block(block: Unknown) -> tuple[Loss, ...]:
    if block.dialect == NAME:
        return ()
    return _dropped(f"block.{block.data.get('type')}", "a block of another dialect that is not known here")


def _citation(event: CitationDelta) -> tuple[Loss, ...]:
    if event.citation.native is not None and event.citation.native.dialect == NAME:
        return ()
    beside = () if event.dialect == NAME else _fields(event.extra)
    return beside + _dropped("citation", "needs an `encrypted_index` that only the provider issues")


def _attached(event: TextDelta | ThinkingDelta | ArgumentsDelta) -> tuple[Loss, ...]:
    """What another dialect attaches to a piece of a block."""
    return _fields(event.extra) if event.extra and event.dialect != NAME else ()


def _native(event: NativeDelta) -> tuple[Loss, ...]:
    losses = () if event.dialect == NAME else _fields(event.extra)
    if event.of != "call" or event.native.dialect == NAME:
        return losses
    return (*losses, *_dropped("tool_call.native", _NO_STATE))


def _delta(event: UnknownDelta) -> tuple[Loss, ...]:
    if event.dialect == NAME:
        return ()
    return _dropped("delta", "a delta of another dialect that is not known here")


def _event(event: UnknownEvent) -> tuple[Loss, ...]:
    if event.dialect == NAME or not event.name:
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

"""Whole answers: from canonical ones; and what is said once in an answer, streamed or not."""

from collections.abc import Iterable
from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Block, Refusal, ToolCall
from pointsman.canon.events import Answer, MessageStart, Stop
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage
from pointsman.dialects.anthropic.answer_blocks import apart, encode_answer_block, shown
from pointsman.dialects.anthropic.usage import encode_usage, with_output
from pointsman.dialects.anthropic.words import NAME, STOPS
from pointsman.dialects.dialect import Asked

Wire = dict[str, Any]

_ENDINGS = ("end", "other", "tool_use")
"""Reasons that say nothing more than that the model was done."""


def fold(answer: Answer, asked: Asked) -> Json:
    """The answer that is not streamed. Of several choices only the first can be said."""
    choice = answer.choices[0] if answer.choices else None
    blocks = choice.blocks if choice is not None else ()
    stop = choice.stop if choice is not None else None
    start = MessageStart(answer.id, answer.model, answer.created, answer.usage, answer.extra, answer.dialect)
    own = answer.dialect == NAME
    if not own:
        seen: dict[str, int] = {}
        blocks = tuple([apart(block, seen) for block in blocks[: shown(blocks)]])
    usage = answer.usage if own else with_output(answer.usage, sum(map(_characters, blocks)))
    wires = (encode_answer_block(block, own, asked, number) for number, block in enumerate(blocks))
    return {
        **encode_message(start, usage, asked),
        "content": [wire for wire in wires if wire is not None],
        **(own_stop(stop) if own else encode_stop(stop, kinds_of(blocks))),
    }


def _characters(block: Block) -> int:
    return len(getattr(block, "text", "")) + len(getattr(block, "arguments", ""))


def encode_message(start: MessageStart, usage: Usage | None, asked: Asked) -> Wire:
    """The message without content, as a stream begins with it."""
    if start.dialect == NAME:
        counts = {} if usage is None else {"usage": _own_usage(usage, asked)}
        named: Wire = {"id": start.id or f"msg_{asked.message_id}", "model": start.model or asked.model}
        return {**named, "content": [], **start.extra, **counts}
    return {
        "id": start.id or f"msg_{asked.message_id}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": encode_usage(usage, asked.input_estimate),
    }


def _own_usage(usage: Usage, asked: Asked) -> Json:
    """As it was said; made up where the upstream said nothing of it in its own words."""
    return usage.extra or encode_usage(usage, asked.input_estimate)


def kinds_of(blocks: Iterable[Block]) -> set[type]:
    """The kinds of blocks that bear on the stop reason."""
    return {type(block) for block in blocks}


def encode_stop(stop: Stop | None, kinds: set[type]) -> Wire:
    """Why a foreign answer ended: a tool call that is there implies `tool_use`, and only such a one does."""
    reason = "end" if stop is None else stop.reason
    if reason in _ENDINGS:
        reason = "tool_use" if ToolCall in kinds else "refusal" if Refusal in kinds else "end"
    details = None if stop is None else stop.details
    return {
        "stop_reason": STOPS[reason],
        "stop_sequence": None if stop is None else stop.sequence,
        "stop_details": details if details is not None and details.get("type") == "refusal" else None,
    }


def own_stop(stop: Stop | None) -> Wire:
    """Why an answer of this dialect ended, as it was said there."""
    if stop is None:
        return {}
    return {**own_part(stop, "event"), **own_part(stop, "delta")}


def own_part(stop: Stop, name: str) -> Json:
    """What the `message_delta` said beside its usage: in its `delta`, or beside it."""
    part = stop.extra.get(SPELLING, {}).get(name)
    return cast("Json", part) if isinstance(part, dict) else {}

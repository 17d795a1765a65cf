"""Answers: from canonical ones, whole."""

from typing import Any

from pointsman.canon.blocks import Block, Image, Refusal, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.canon.events import Answer, Stop
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.arguments import input_of
from pointsman.dialects.bedrock_converse.encode_blocks import encode_thinking, own_image, own_text, wrapped
from pointsman.dialects.bedrock_converse.usage import encode_usage
from pointsman.dialects.bedrock_converse.words import ID_CHARSET, NAME, NAME_LIMIT, STOPS
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.names import map_ids
from pointsman.wire.envelope import seal

Wire = dict[str, Any]

MESSAGE = "message"
"""The member of an answer's `extra` that holds what its message says beside content and role."""

_ENDINGS = ("end", "other", "tool_use")
"""Reasons that say nothing more than that the model was done."""


def fold(answer: Answer, asked: Asked) -> Json:
    """The answer that is not streamed. Of several choices only the first can be said."""
    own = answer.dialect == NAME
    choice = answer.choices[0] if answer.choices else None
    blocks = choice.blocks if choice is not None else ()
    stop = choice.stop if choice is not None else None
    wires = [encode_answer_block(block, asked, number, own=own) for number, block in enumerate(blocks)]
    extra: Json = answer.extra if own else {}
    said = [wire for wire in wires if wire is not None]
    message = {"role": "assistant", "content": said, **extra.get(MESSAGE, {})}
    return {
        "output": {"message": message},
        **encode_stop(stop, {type(block) for block in blocks}, own=own),
        **_counts(answer, own=own),
        **{key: value for key, value in laid_out(extra).items() if key != MESSAGE},
    }


def _counts(answer: Answer, *, own: bool) -> Wire:
    if own and answer.usage is None:
        return {}
    return {"usage": encode_usage(answer.usage, own=own)}


def encode_stop(stop: Stop | None, kinds: set[type], *, own: bool) -> Wire:
    """Why an answer ended: a foreign one with a call says `tool_use`, and only such a one does."""
    if own:
        said = {} if stop is None or stop.raw is None else {"stopReason": stop.raw}
        return {**said, **(stop.extra if stop is not None else {})}
    reason = "end" if stop is None else stop.reason
    if reason in _ENDINGS:
        reason = "tool_use" if ToolCall in kinds else "refusal" if Refusal in kinds else "end"
    return {"stopReason": STOPS[reason]}


def signature_of(block: Thinking) -> Wire:
    """The opaque state of thinking: the model's own, or an envelope in the signature's place."""
    if block.native is None:
        return {}
    if block.native.dialect == NAME:
        return dict(block.native.data)
    return {"redactedContent" if block.redacted else "signature": seal(block.native)}


def call_head(block: ToolCall, asked: Asked, number: int, *, own: bool) -> Wire:
    """What a call begins with; an id is made up where the upstream gave none."""
    if own:
        return {"toolUseId": block.id, "name": block.name}
    id = block.id or f"tooluse_{asked.message_id}_{number}"
    return {"toolUseId": map_ids([id], NAME_LIMIT, ID_CHARSET)[id], "name": block.name}


def encode_answer_block(block: Block, asked: Asked, number: int, *, own: bool) -> Wire | None:
    """A whole block; None for one that the dialect cannot say."""
    extra: Json = getattr(block, "extra", {}) if own else {}
    match block:
        case Text():
            return own_text(block) if own else {"text": block.text}
        case Refusal():
            return {"text": block.text}
        case Thinking():
            data = signature_of(block)
            return encode_thinking(block, data, extra) if data or not block.redacted else None
        case ToolCall():
            custom = block.kind == "custom"
            given = {"input": block.arguments} if custom else input_of(block.arguments, own=own)
            members = call_head(block, asked, number, own=own)
            absent = own and block.form == "absent" and not block.arguments
            return wrapped("toolUse", members if absent else {**members, "input": given}, extra)
        case ServerTool():
            return dict(block.native.data) if block.native.dialect == NAME else None
        case Unknown():
            return dict(block.data) if block.dialect == NAME else None
        case Image() if own:
            return own_image(block)
        case _:
            return None

"""Blocks of whole answers, as parts for a client of this dialect.

Opaque state of another dialect goes out as an envelope in the signature. What the dialect cannot say is
left out here and named by `losses`.
"""

from pointsman.canon.blocks import (
    Audio,
    Block,
    Document,
    Image,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from pointsman.dialects.gemini.arguments import arguments_of
from pointsman.dialects.gemini.parts import Part, call_part, own_part, plain_part
from pointsman.dialects.gemini.signature import ALONE, ON_PART, place_of, signature_member
from pointsman.dialects.gemini.words import NAME

_SAID = (Text, Refusal, Image, Audio, Document)


def add_block(parts: list[Part], block: Block, *, own: bool) -> None:
    """A whole block behind the parts before it. `own`: the answer came in this dialect."""
    if isinstance(block, Thinking):
        _add_thinking(parts, block, own=own)
    elif isinstance(block, ToolCall):
        arguments, _ = arguments_of(block, block.arguments)
        parts.append(call_with(block, arguments, own=own))
    elif isinstance(block, _SAID):
        part = own_part(block) if own else plain_part(block)
        parts += [part] if part else []
    elif isinstance(block, ServerTool) and block.native.dialect == NAME:
        parts.append(dict(block.native.data))
    elif isinstance(block, Unknown) and block.dialect == NAME:
        parts.append(dict(block.data))


def call_with(call: ToolCall, arguments: Part, *, own: bool) -> Part:
    """The part of a call with these arguments, and its state."""
    part = call_part(call, arguments)
    if own:
        return {**_own_call(part, call), **signature_member(call.native)}
    return {**part, **signature_member(call.native)}


def _own_call(part: Part, call: ToolCall) -> Part:
    """As it came, but for a name that was changed on its way out and is restored."""
    said = own_part(call)
    inner = said.get("functionCall")
    return {**said, "functionCall": {**inner, "name": call.name}} if isinstance(inner, dict) else part


def _add_thinking(parts: list[Part], block: Thinking, *, own: bool) -> None:
    """A thought, or a signature in the place where it sat."""
    member = signature_member(block.native, redacted=block.redacted)
    place = place_of(block.native)
    extra = dict(block.extra) if own else {}
    if place == ON_PART and parts:
        parts[-1] = {**parts[-1], **member}
    elif place in (ON_PART, ALONE):
        parts.append({"text": "", **extra, **member})
    elif block.text or member or own:
        parts.append({"text": block.text, "thought": True, **extra, **member})

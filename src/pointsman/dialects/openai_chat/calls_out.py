"""Tool calls as a client of this dialect reads them."""

from typing import Any

from pointsman.canon.blocks import Native, ToolCall
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.openai_chat.messages import CONTENT, ENVELOPE, INNER
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.envelope import seal


def argument_key(call: ToolCall) -> str:
    """The member that holds a call's arguments."""
    return "input" if call.kind == "custom" else "arguments"


def call_members(call: ToolCall, *, own: bool) -> dict[str, Any]:
    """One of `tool_calls`. `own`: it came in this dialect, and keeps its unknown members."""
    inner: dict[str, Any] = {"name": call.name, argument_key(call): call.arguments}
    members: dict[str, Any] = {"id": call.id, "type": call.kind, call.kind: inner}
    if call.native is not None:
        members |= native_members(call.native)
    if own and call.extra:
        members |= outer_extra(call)
        inner |= inner_extra(call)
    return members


def outer_extra(call: ToolCall) -> dict[str, Any]:
    """What a call of this dialect says besides."""
    return {
        key: value for key, value in laid_out(call.extra).items() if key not in INNER and key != "function"
    }


def inner_extra(call: ToolCall) -> dict[str, Any]:
    """What the function or custom tool in it says besides, and arguments that were no text."""
    odd = {key: value for key, value in laid_out(call.extra).items() if key in INNER}
    return {**call.extra.get("function", {}), **odd}


def native_members(native: Native) -> dict[str, Any]:
    """Opaque state of a call: the fields that its dialect has, or an envelope beside them."""
    if native.dialect == NAME:
        return dict(native.data)
    return {CONTENT: {ENVELOPE: seal(native)}}

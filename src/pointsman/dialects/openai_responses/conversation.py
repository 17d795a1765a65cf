"""The conversation of a client of another dialect, as items.

Instructions that are one text go into `instructions`, the field that every server of this API has; several,
or such with a cache breakpoint, into a message ahead of all others, so that none is joined or moved. Each
result and each call is an item of its own, in the place where it was said.
"""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Block, Thinking, ToolCall, ToolResult
from pointsman.canon.request import Message
from pointsman.dialects.foreign import TOOL_ERROR
from pointsman.dialects.free_text import wrapped
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.encode_parts import ASSISTANT, parts_of
from pointsman.dialects.openai_responses.parts import Part
from pointsman.dialects.openai_responses.request import INSTRUCTIONS
from pointsman.dialects.openai_responses.words import INPUT_TEXT, NAME
from pointsman.dialects.pairing import check_messages

Item = dict[str, Any]

_INSTRUCTING = frozenset({"system", "developer"})
_OWN_ITEM = (ToolCall, ToolResult, Thinking)


def put_conversation(draft: Draft) -> None:
    """`instructions` and `input`. Raises MalformedError for calls and results that don't match."""
    request = draft.request
    check_messages(request.messages)
    items: list[Item] = []
    _instruct(draft, items)
    customs: set[str] = set()
    for number, message in enumerate(request.messages, len(request.system)):
        _note_message(draft, message, f"messages[{number}]", "messages")
        if message.role in _INSTRUCTING and draft.traits.mid_system != "keep":
            draft.count("approximated", "messages.role", "instructions in mid-conversation as a user's text")
        items += _items(draft, message, customs)
    if items and items[-1].get("role") == ASSISTANT:
        draft.approximated("prefill", "the target answers behind the last turn instead of going on with it")
    draft.body["input"] = items


def _instruct(draft: Draft, items: list[Item]) -> None:
    for number, message in enumerate(draft.request.system):
        _note_message(draft, message, f"system[{number}]", "system")
    blocks = [block for message in draft.request.system for block in message.content]
    parts = parts_of(draft, blocks, "system")
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        draft.body[INSTRUCTIONS] = parts[0]["text"]
    elif parts:
        roles = {message.role for message in draft.request.system}
        items.append(_message(_role(draft, "developer" if roles == {"developer"} else "system"), parts))


def _note_message(draft: Draft, message: Message, path: str, where: str) -> None:
    if message.name is not None and message.role != "tool":
        draft.dropped(f"{path}.name", "participants have no names here")
    draft.dropped_extra(message.extra, where)


def _items(draft: Draft, message: Message, customs: set[str]) -> list[Item]:
    """The items of one message; `customs` holds the ids of calls with free text."""
    items: list[Item] = []
    said: list[Block] = []
    for block in message.content:
        if not isinstance(block, _OWN_ITEM):
            said.append(block)
            continue
        items += _said(draft, message, said)
        said = []
        items += _WRITE[type(block)](draft, block, customs)
    return items + _said(draft, message, said)


def _said(draft: Draft, message: Message, blocks: list[Block]) -> list[Item]:
    role = _role(draft, message.role)
    parts = parts_of(draft, blocks, ASSISTANT if role == ASSISTANT else "messages")
    return [_message(role, parts)] if parts else []


def _role(draft: Draft, role: str) -> str:
    if role in _INSTRUCTING and draft.traits.mid_system != "keep":
        return "user"
    if role == "developer" and not draft.traits.developer_role:
        return "system"
    return "user" if role == "tool" else role


def _message(role: str, parts: list[Part]) -> Item:
    return {"type": "message", "role": role, "content": parts}


def _call(draft: Draft, block: ToolCall, customs: set[str]) -> list[Item]:
    draft.dropped_extra(block.extra, "tool_calls")
    draft.mark(block.cache, takes=False)
    if block.native is not None:
        draft.count("dropped", "tool_calls.signature", "only the provider that issued it can read it")
    head: Item = {"call_id": draft.id(block.id), "name": draft.name(block.name, block.kind)}
    if block.kind == "custom" and draft.free_text:
        customs.add(block.id)
        return [{"type": "custom_tool_call", **head, "input": block.arguments}]
    arguments = wrapped(block.arguments) if block.kind == "custom" else block.arguments or "{}"
    return [{"type": "function_call", **head, "arguments": arguments}]


def _result(draft: Draft, block: ToolResult, customs: set[str]) -> list[Item]:
    draft.dropped_extra(block.extra, "tool_result")
    draft.mark(block.cache, takes=False)
    parts = parts_of(draft, block.content, "tool_result")
    if block.is_error:
        draft.count("approximated", "tool_result.is_error", f"`{TOOL_ERROR.strip()}` before its text")
        parts = _as_error(parts)
    kind = "custom_tool_call_output" if block.call_id in customs else "function_call_output"
    return [{"type": kind, "call_id": draft.id(block.call_id), "output": _output(parts)}]


def _as_error(parts: list[Part]) -> list[Part]:
    if parts and parts[0]["type"] == INPUT_TEXT:
        return [{**parts[0], "text": TOOL_ERROR + parts[0]["text"]}, *parts[1:]]
    return [{"type": INPUT_TEXT, "text": TOOL_ERROR.strip()}, *parts]


def _output(parts: list[Part]) -> str | list[Part]:
    """A text alone as a string, which every server takes."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def _thinking(draft: Draft, block: Thinking, customs: set[str]) -> list[Item]:
    native = block.native
    draft.mark(block.cache, takes=False)
    if native is not None and native.dialect == NAME and native.issuer in {"", draft.target.issuer}:
        return [dict(native.data)]
    if native is not None:
        draft.count("dropped", "thinking.signature", "only the provider that issued it can read it")
    if draft.traits.echo_reasoning != "none" and block.text:
        content = [{"type": "reasoning_text", "text": block.text}]
        return [{"type": "reasoning", "summary": [], "content": content}]
    draft.count("dropped", "thinking", "the target takes no past thinking but its own")
    return []


_WRITE: dict[type, Callable[[Draft, Any, set[str]], list[Item]]] = {
    ToolCall: _call,
    ToolResult: _result,
    Thinking: _thinking,
}

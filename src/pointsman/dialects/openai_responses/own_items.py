"""The conversation of a client of this dialect, as it came: only what the target refuses is changed or left
out.

Reasoning goes along as long as it is the provider's own: an envelope holds another one's, which this one
could not read.
"""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import SPELLING, Audio, Document, Image, Text
from pointsman.canon.json import Json
from pointsman.canon.request import Message
from pointsman.dialects.free_text import wrapped
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.encode_parts import check_media
from pointsman.dialects.openai_responses.items import ITEMS
from pointsman.dialects.openai_responses.request import INSTRUCTIONS
from pointsman.dialects.openai_responses.state import open_envelope
from pointsman.dialects.openai_responses.words import NAME

Item = dict[str, Any]


def put_own_conversation(draft: Draft) -> None:
    """`instructions` and `input`. Raises UnsupportedError for media that the target does not see."""
    request = draft.request
    items: list[Item] = []
    for message in (*request.system, *request.messages):
        for block in message.content:
            if isinstance(block, Image | Audio | Document):
                check_media(draft, block)
        if message.form == INSTRUCTIONS:
            draft.body[INSTRUCTIONS] = _text(message)
        elif message.form == "text":
            draft.body["input"] = _text(message)
        else:
            items += _items(draft, message)
    if request.form.get("input") == "items":
        draft.body["input"] = items


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, Text))


def _items(draft: Draft, message: Message) -> list[Item]:
    held: list[Json] = message.extra.get(SPELLING, {}).get(ITEMS, [])
    written = (_ITEMS.get(str(item.get("type", "message")), _as_it_was)(draft, item) for item in held)
    return [item for item in written if item is not None]


def _as_it_was(draft: Draft, item: Json) -> Item | None:
    return dict(item)


def _message(draft: Draft, item: Json) -> Item | None:
    if item.get("role") == "developer" and not draft.traits.developer_role:
        return {**item, "role": "system"}
    return dict(item)


def _call(draft: Draft, item: Json) -> Item | None:
    return {**item, "name": draft.name(str(item["name"])), "call_id": draft.id(str(item["call_id"]))}


def _custom_call(draft: Draft, item: Json) -> Item | None:
    name, id = draft.name(str(item["name"]), "custom"), draft.id(str(item["call_id"]))
    if draft.free_text:
        return {**item, "name": name, "call_id": id}
    return {
        "type": "function_call",
        "call_id": id,
        "name": name,
        "arguments": wrapped(str(item.get("input") or "")),
    }


def _output(draft: Draft, item: Json) -> Item | None:
    id = item.get("call_id")
    return {**item, "call_id": draft.id(id)} if isinstance(id, str) else dict(item)


def _custom_output(draft: Draft, item: Json) -> Item | None:
    written = _output(draft, item)
    return written if written is None or draft.free_text else {**written, "type": "function_call_output"}


def _reasoning(draft: Draft, item: Json) -> Item | None:
    opened = open_envelope(item.get("encrypted_content"))
    if opened is None:
        return dict(item)
    native = opened.native
    if native is not None and native.dialect == NAME and native.issuer in {"", draft.target.issuer}:
        return dict(native.data)
    draft.count("dropped", "reasoning", "only the provider that issued it can read it")
    return None


_ITEMS: dict[str, Callable[[Draft, Json], Item | None]] = {
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _custom_call,
    "function_call_output": _output,
    "custom_tool_call_output": _custom_output,
    "reasoning": _reasoning,
}

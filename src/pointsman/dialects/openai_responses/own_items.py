"""The conversation of a client of this dialect, as it came: only what the target refuses is changed or left
out.

Reasoning goes along as long as it is the provider's own: an envelope holds another one's, which this one
could not read.
"""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import SPELLING, Audio, Document, Image, Text, Thinking
from pointsman.canon.json import Json
from pointsman.canon.request import Message
from pointsman.dialects.free_text import wrapped
from pointsman.dialects.names import joined
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.encode_parts import check_media
from pointsman.dialects.openai_responses.items import ITEMS
from pointsman.dialects.openai_responses.request import INSTRUCTIONS
from pointsman.dialects.openai_responses.state import open_envelope
from pointsman.dialects.openai_responses.tools import NAMESPACE
from pointsman.dialects.openai_responses.words import NAME

Item = dict[str, Any]
ENCRYPTED = "encrypted_content"


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
    if others := _of_others(draft, message):
        held = [item for item in held if item.get(ENCRYPTED) not in others]
        draft.count("dropped", "reasoning", "only the account that issued it can read it")
    written = (_ITEMS.get(str(item.get("type", "message")), _as_it_was)(draft, item) for item in held)
    return [item for item in written if item is not None]


def _of_others(draft: Draft, message: Message) -> set[str]:
    """The encrypted content that is known to be of another issuer than the one who is asked."""
    natives = (block.native for block in message.content if isinstance(block, Thinking))
    own = {"", draft.target.issuer}
    others = (each for each in natives if each and each.dialect == NAME and each.issuer not in own)
    return {each.data[ENCRYPTED] for each in others if ENCRYPTED in each.data}


def _as_it_was(draft: Draft, item: Json) -> Item | None:
    return dict(item)


def _message(draft: Draft, item: Json) -> Item | None:
    if item.get("role") == "developer" and not draft.traits.developer_role:
        return {**item, "role": "system"}
    return dict(item)


def _call(draft: Draft, item: Json) -> Item | None:
    return _sent(draft, item, "function")


def _sent(draft: Draft, item: Json, kind: str) -> Item:
    """A call under the name and the id that the target takes."""
    namespace, name = item.get(NAMESPACE), str(item["name"])
    kept = {key: value for key, value in item.items() if key != NAMESPACE or not draft.flat}
    full = joined(namespace, name) if isinstance(namespace, str) else name
    return {**kept, "name": draft.name(full, kind), "call_id": draft.id(str(item["call_id"]))}


def _custom_call(draft: Draft, item: Json) -> Item | None:
    sent = _sent(draft, item, "custom")
    if draft.free_text:
        return sent
    kept = {key: sent[key] for key in ("call_id", "name")}
    return {"type": "function_call", **kept, "arguments": wrapped(str(item.get("input") or ""))}


def _output(draft: Draft, item: Json) -> Item | None:
    id = item.get("call_id")
    return {**item, "call_id": draft.id(id)} if isinstance(id, str) else dict(item)


def _custom_output(draft: Draft, item: Json) -> Item | None:
    written = _output(draft, item)
    return written if written is None or draft.free_text else {**written, "type": "function_call_output"}


def _reasoning(draft: Draft, item: Json) -> Item | None:
    opened = open_envelope(item.get(ENCRYPTED))
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

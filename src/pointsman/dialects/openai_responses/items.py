"""Items of a request's `input`: to messages.

Consecutive items of the assistant's side become one message, since other dialects have its thinking, words
and calls in one turn. The items themselves stay in the message's `extra`, for their own dialect. State that
signs a call stands in a reasoning item of ours, and is put back on the call.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from msgspec import structs

from pointsman.canon.blocks import (
    SPELLING,
    Block,
    Image,
    Native,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, Role
from pointsman.dialects.addresses import source_of
from pointsman.dialects.names import joined
from pointsman.dialects.openai_responses.parts import decode_parts
from pointsman.dialects.openai_responses.reasoning_items import decode_reasoning
from pointsman.dialects.openai_responses.state import open_envelope
from pointsman.dialects.openai_responses.words import (
    APPROVAL,
    CLIENT_CALLS,
    CLIENT_OUTPUTS,
    HOSTED_CALLS,
    HOSTED_RESULTS,
    NAME,
    hosted_name,
)
from pointsman.wire.fields import Fields, as_array, as_object, as_text, wrong
from pointsman.wire.json import encode

_ROLES: dict[str, Literal["system", "developer", "user", "assistant"]] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
ITEMS = "items"
"""The form of messages that came as items, and the member of their odd spellings that holds these."""
_KEPT = ("id", "status", "type")
"""Members that say nothing to others."""


def decode_input(value: object) -> tuple[Message, ...]:
    """The conversation; a string is one message of the user's. Raises MalformedError."""
    if isinstance(value, str):
        return (Message("user", (Text(value),), form="text"),)
    if not isinstance(value, list):
        raise wrong("input", "a string or an array of items", value)
    items = [
        as_object(item, f"input[{at}]") for at, item in enumerate(as_array(cast("object", value), "input"))
    ]
    conversation = _Conversation(_signed_calls(items))
    for at, item in enumerate(items):
        if item.get("type") == APPROVAL and at == len(items) - 1:
            # Nobody has acted on it yet: unlike one in the history it is what is asked for.
            conversation.leave(item)
        else:
            conversation.add(item, f"input[{at}]")
    return conversation.finish()


def _signed_calls(items: list[Json]) -> dict[str, Native]:
    """The state of calls, by their ids."""
    opened = [
        open_envelope(item.get("encrypted_content")) for item in items if item.get("type") == "reasoning"
    ]
    return {each.call_id: each.native for each in opened if each and each.call_id and each.native}


class _Conversation:
    """The messages as far as they are read; the assistant's turn stays open until somebody else speaks."""

    def __init__(self, signed: Mapping[str, Native]) -> None:
        self._signed = signed
        self._messages: list[Message] = []
        self._blocks: list[Block] = []
        self._items: list[Json] = []
        self._extra: dict[str, Any] = {}

    def add(self, item: Json, path: str) -> None:
        """One item more."""
        kind = as_text(
            item.get("type") or ("message" if "role" in item else "item_reference"), f"{path}.type"
        )
        if kind == "message":
            self._message(Fields(item, path), item)
            return
        decode = _DECODE.get(kind)
        if decode is None:
            self.leave(item)
            return
        role, block = decode(Fields(item, path), item)
        if isinstance(block, ToolCall) and block.id in self._signed:
            block = structs.replace(block, native=self._signed[block.id])
        self._put(role, () if block is None else (block,), item)

    def leave(self, item: Json) -> None:
        """One that says something to its provider alone."""
        self._put(self._side(), (Unknown(NAME, item),), item)

    def finish(self) -> tuple[Message, ...]:
        """All messages."""
        self._close()
        return tuple(self._messages)

    def _side(self) -> Role:
        """Whose turn it is; an item that nobody knows belongs to it."""
        if self._items:
            return "assistant"
        return self._messages[-1].role if self._messages else "user"

    def _message(self, fields: Fields, item: Json) -> None:
        word = fields.required_text("role")
        role = _ROLES.get(word)
        if role is None:
            known = ", ".join(f"`{name}`" for name in _ROLES)
            path = fields.at("role")
            raise MalformedError(f"`{path}` must be one of {known}, not: {word}", param=path)
        content = _content(fields)
        self._put(role, content, item, _rest(fields))

    def _put(self, role: Role, blocks: tuple[Block, ...], item: Json, extra: Json | None = None) -> None:
        if role == "assistant":
            self._blocks += blocks
            self._items.append(item)
            self._extra |= extra or {}
            return
        self._close()
        self._messages.append(_told(role, blocks, [item], extra or {}))

    def _close(self) -> None:
        """The assistant's turn is over."""
        if self._items:
            self._messages.append(_told("assistant", tuple(self._blocks), self._items, self._extra))
            self._blocks, self._items, self._extra = [], [], {}


def _told(role: Role, blocks: tuple[Block, ...], items: list[Json], extra: Json) -> Message:
    return Message(role, blocks, form=ITEMS, extra={**extra, SPELLING: {ITEMS: items}})


def _content(fields: Fields) -> tuple[Block, ...]:
    content = fields.take("content")
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),) if content else ()
    if not isinstance(content, list):
        raise wrong(fields.at("content"), "a string or an array of parts", content)
    return decode_parts(cast("object", content), fields.at("content"))


def _rest(fields: Fields) -> dict[str, Any]:
    """What an item says besides."""
    return {key: value for key, value in fields.rest.items() if key not in _KEPT}


def decode_call(fields: Fields, item: Json) -> ToolCall:
    """A call of a function or of a custom tool. Raises MalformedError."""
    custom = item.get("type") == "custom_tool_call"
    id, name, namespace = (
        fields.required_text("call_id"),
        fields.required_text("name"),
        fields.text("namespace"),
    )
    arguments = arguments_text(fields.take("input" if custom else "arguments"), fields.at("arguments"))
    kind: Literal["function", "custom"] = "custom" if custom else "function"
    if fields.rest.get("caller") == {"type": "direct"}:
        del fields.rest["caller"]
    full = name if namespace is None else joined(namespace, name)
    return ToolCall(id, full, arguments, kind, extra=_rest(fields))


def decode_client_call(fields: Fields, item: Json) -> ToolCall:
    """A call of a built-in tool that the client runs, with what it asks for. Raises MalformedError."""
    kind = str(item["type"])
    id = fields.text("call_id") or fields.required_text("id")
    asked = {key: value for key, value in fields.rest.items() if key not in (*_KEPT, "call_id")}
    return ToolCall(id, hosted_name(kind), encode(asked).decode(), form=kind)


def arguments_text(arguments: object, path: str) -> str:
    """Arguments as text; some clients send them as an object, or not at all."""
    if arguments is None:
        return ""
    if isinstance(arguments, dict):
        return encode(cast("object", arguments)).decode()
    return as_text(arguments, path)


def _call(fields: Fields, item: Json) -> tuple[Role, Block]:
    return "assistant", decode_call(fields, item)


def _client_call(fields: Fields, item: Json) -> tuple[Role, Block]:
    return "assistant", decode_client_call(fields, item)


def _output(fields: Fields, item: Json) -> tuple[Role, Block]:
    id, output = fields.text("call_id"), fields.take("output")
    if id is None:
        return "tool", Unknown(NAME, item)
    if isinstance(output, list):
        content = decode_parts(cast("object", output), fields.at("output"))
    else:
        text = arguments_text(output, fields.at("output"))
        content = (Text(text),) if text else ()
    form = "custom" if item.get("type") == "custom_tool_call_output" else ""
    return "tool", ToolResult(id, content, form=form, extra=_rest(fields))


def _client_output(fields: Fields, item: Json) -> tuple[Role, Block]:
    """What a built-in tool gave, as text or as a picture of the screen."""
    id = fields.text("call_id") or fields.required_text("id")
    output = fields.take("output")
    screen: object = cast("Json", output).get("image_url") if isinstance(output, dict) else None
    if isinstance(screen, str):
        content: tuple[Block, ...] = (Image(source_of(screen)),)
    else:
        text = output if isinstance(output, str) else encode(cast("object", output)).decode()
        content = () if output is None else (Text(text),)
    failed = True if item.get("status") == "failed" else None
    return "tool", ToolResult(id, content, failed, form=str(item["type"]))


def _reasoning(fields: Fields, item: Json) -> tuple[Role, Block | None]:
    thinking = decode_reasoning(item, "")
    return "assistant", thinking if isinstance(thinking, Thinking) else None


def _hosted_call(fields: Fields, item: Json) -> tuple[Role, Block]:
    return "assistant", hosted(item, "")


def hosted(item: Json, issuer: str) -> ServerTool:
    """An item of a tool that the provider runs."""
    kind, id = str(item["type"]), item.get("id")
    part: Literal["call", "result"] = "result" if kind in HOSTED_RESULTS else "call"
    return ServerTool(part, id if isinstance(id, str) else "", hosted_name(kind), Native(NAME, issuer, item))


_DECODE: dict[str, Callable[[Fields, Json], tuple[Role, Block | None]]] = {
    "function_call": _call,
    "custom_tool_call": _call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    **dict.fromkeys(CLIENT_CALLS, _client_call),
    **dict.fromkeys(CLIENT_OUTPUTS, _client_output),
    **dict.fromkeys(HOSTED_CALLS | HOSTED_RESULTS, _hosted_call),
}

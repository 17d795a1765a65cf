"""Messages as clients send them → canonical messages."""

from collections.abc import Callable
from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING, Block, Native, Refusal, Text, ToolCall, ToolResult
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message
from pointsman.dialects.openai_chat.blocks import decode_parts, take_mark
from pointsman.dialects.openai_chat.placing import in_order
from pointsman.dialects.openai_chat.thinking import take_thinking
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.envelope import unseal
from pointsman.wire.fields import Fields, as_array, as_object, as_text, wrong
from pointsman.wire.json import encode

LEGACY = "function_call"
"""The form of a call that came in the deprecated field, and of the message that answers it."""
CONTENT = "extra_content"
"""Where Google's compatible endpoint puts a call's thought signature (ai.google.dev, OpenAI page)."""
INNER = frozenset({"arguments", "input"})
"""The members of a call that stand in its function or custom tool."""
ENVELOPE = "pointsman"
"""The member of `extra_content` that holds another dialect's opaque state."""


def decode_messages(value: object) -> tuple[Message, ...]:
    """The messages in their order. Raises MalformedError."""
    legacy: dict[str, str] = {}
    return tuple(
        _message(Fields(each, f"messages[{at}]"), legacy, at)
        for at, each in enumerate(as_array(value, "messages"))
    )


def _message(fields: Fields, legacy: dict[str, str], at: int) -> Message:
    role = fields.required_text("role")
    if role == "function":
        return _function(fields, legacy)
    if role == "assistant":
        return _assistant(fields, legacy, at)
    decode = _ROLES.get(role)
    if decode is None:
        known = "`system`, `developer`, `user`, `assistant` or `tool`"
        raise MalformedError(f"`{fields.at('role')}` must be {known}, not: {role}", param=fields.at("role"))
    return decode(fields, role)


def _plain(fields: Fields, role: Any) -> Message:
    content, form = take_content(fields)
    return Message(role, content, fields.text("name"), form, fields.rest)


def take_content(fields: Fields) -> tuple[tuple[Block, ...], str]:
    """The blocks of `content`, and how it was spelled."""
    if "content" not in fields.rest:
        return (), "absent"
    content = fields.rest.pop("content")
    if content is None:
        return (), "null"
    if isinstance(content, str):
        return ((Text(content),) if content else ()), "text"
    if not isinstance(content, list):
        raise wrong(fields.at("content"), "a string or an array of parts", cast("object", content))
    return decode_parts(cast("object", content), fields.at("content")), "blocks"


def _assistant(fields: Fields, legacy: dict[str, str], at: int) -> Message:
    thinking = take_thinking(fields.rest)
    content, form = take_content(fields)
    refusal = fields.text("refusal")
    calls = _calls(fields, legacy, at)
    declined = () if refusal is None else (Refusal(refusal),)
    blocks = in_order(thinking, content, (*declined, *calls), whole=form == "text")
    return Message("assistant", blocks, fields.text("name"), form, fields.rest)


def _calls(fields: Fields, legacy: dict[str, str], at: int) -> tuple[ToolCall, ...]:
    value = fields.rest.get("tool_calls")
    calls: tuple[ToolCall, ...] = ()
    if value:
        del fields.rest["tool_calls"]
        path = fields.at("tool_calls")
        calls = tuple(
            decode_call(as_object(call, f"{path}[{number}]"), f"{path}[{number}]")
            for number, call in enumerate(as_array(value, path))
        )
    function = fields.object(LEGACY)
    if function is None:
        return calls
    inner = Fields(function, fields.at(LEGACY))
    name = inner.required_text("name")
    legacy[name] = f"call_{at}"
    return (*calls, _finish(legacy[name], name, inner, "arguments", LEGACY, {}))


def decode_call(call: Json, path: str) -> ToolCall:
    """One of `tool_calls`, with its cache breakpoint. Raises MalformedError."""
    fields = Fields(call, path)
    mark = take_mark(fields)
    decoded = _call(fields, path, call)
    return decoded if mark is None else structs.replace(decoded, cache=mark)


def _call(fields: Fields, path: str, call: Json) -> ToolCall:
    id = fields.required_text("id")
    kind = fields.rest.pop("type", "function")
    if kind == "custom":
        inner = Fields(fields.take("custom"), fields.at("custom"))
        return _finish(id, inner.required_text("name"), inner, "input", "custom", fields.rest)
    if kind != "function":
        raise MalformedError(
            f"`{path}.type` must be `function` or `custom`, not: {kind}", param=f"{path}.type"
        )
    inner = Fields(fields.take("function"), fields.at("function"))
    form = "function" if "type" in call else "untyped"
    return _finish(id, inner.required_text("name"), inner, "arguments", form, fields.rest)


def _finish(id: str, name: str, inner: Fields, key: str, form: str, outer: dict[str, Any]) -> ToolCall:
    """The call, with what is unusual about its arguments in `extra`."""
    arguments = inner.rest.pop(key, None)
    text = arguments_text(arguments, inner.at(key))
    odd = {} if isinstance(arguments, str) else {key: arguments}
    native = take_native(outer, "")
    extra = call_extra(outer, inner.rest, odd)
    if form == "custom":
        return ToolCall(id, name, text, "custom", native, extra=extra)
    return ToolCall(id, name, text, "function", native, form="" if form == "function" else form, extra=extra)


def call_extra(outer: Json, inner: Json, odd: Json) -> dict[str, Any]:
    """What a call says besides, around its function and in it; its `index` only repeats the order."""
    extra = {key: value for key, value in outer.items() if key != "index"}
    if "index" in outer:
        odd = {**odd, "index": outer["index"]}
    if inner:
        extra["function"] = inner
    return {**extra, SPELLING: odd} if odd else extra


def arguments_text(arguments: object, path: str) -> str:
    """Arguments as text; some servers and clients send them as an object, or not at all."""
    if arguments is None:
        return ""
    if isinstance(arguments, dict):
        return encode(cast("object", arguments)).decode()
    return as_text(arguments, path)


def take_native(outer: dict[str, Any], issuer: str) -> Native | None:
    """The opaque state of a call: an envelope of another dialect, or this dialect's own."""
    value = outer.get(CONTENT)
    if not isinstance(value, dict) or not value:
        return None
    content = outer.pop(CONTENT)
    sealed = content.get(ENVELOPE)
    native = unseal(sealed) if isinstance(sealed, str) and len(content) == 1 else None
    return native or Native(NAME, issuer, {CONTENT: content})


def _tool(fields: Fields, role: Any) -> Message:
    call_id = fields.required_text("tool_call_id")
    content, form = take_content(fields)
    result = ToolResult(call_id, content, cache=take_mark(fields), form=form)
    return Message(role, (result,), fields.text("name"), extra=fields.rest)


def _function(fields: Fields, legacy: dict[str, str]) -> Message:
    name = fields.required_text("name")
    content, form = take_content(fields)
    result = ToolResult(legacy.get(name, f"call_{name}"), content, form=form)
    return Message("tool", (result,), name, LEGACY, fields.rest)


_ROLES: dict[str, Callable[[Fields, Any], Message]] = {
    "system": _plain,
    "developer": _plain,
    "user": _plain,
    "tool": _tool,
}

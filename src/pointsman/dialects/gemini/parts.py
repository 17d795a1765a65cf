"""Parts of contents: to blocks, and to parts of this dialect again.

A part holds one kind of data; which one is seen by its member's name. What cannot be said again exactly from
its block is kept whole in the block's `extra`. A signature that sits on text becomes a thinking block behind
it, without text, that says where it sat: so it survives dialects in which only thinking is signed.
"""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import (
    SPELLING,
    Audio,
    Block,
    Document,
    Image,
    Native,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    Unknown,
)
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.gemini.arguments import arguments_object, arguments_text
from pointsman.dialects.gemini.media import decode_file, decode_inline, encode_media
from pointsman.dialects.gemini.results import decode_result
from pointsman.dialects.gemini.signature import ALONE, ON_PART, native_of, take_signature
from pointsman.dialects.gemini.spelling import Members, camel
from pointsman.dialects.gemini.words import MADE, NAME
from pointsman.wire.fields import as_object
from pointsman.wire.json import encode

Part = dict[str, Any]

ENDS_UNSIGNED = "end"
"""The form of an empty thought that only says where the one before it ends, which nobody signed."""


def decode_part(part: Json, path: str, issuer: str = "") -> tuple[Block, ...]:
    """The blocks of one part: one, or two where text is signed. Raises MalformedError."""
    text = part.get("text")
    if len(part) == 1 and isinstance(text, str):
        return (Text(text),)
    kinds = [camel(key) for key in part if part[key] is not None and camel(key) in _DECODE]
    if len(kinds) > 1 or (not kinds and not _may_be_text(part)):
        return (Unknown(NAME, part),)
    kind = kinds[0] if kinds else "text"
    if kind in _SERVER_TOOLS:
        return (_server_tool(part, kind, issuer),)
    rest = dict(part)
    member = take_signature(rest)
    block = _DECODE[kind](Members(rest, path), member, issuer)
    if block is None:
        return (Unknown(NAME, part),)
    if not isinstance(block, Unknown) and not _same(own_part(block), rest):
        block = structs.replace(block, extra={**block.extra, SPELLING: rest})
    if not member or isinstance(block, Thinking | ToolCall | Unknown):
        return (block,)
    if isinstance(block, Text) and not block.text:
        native, _ = native_of(member, issuer, ALONE)
        return (Thinking("", native, extra=block.extra),)
    native, _ = native_of(member, issuer, ON_PART)
    return block, Thinking("", native)


def own_part(block: Block) -> Part:
    """The part for a block that came in this dialect, without its signature."""
    if isinstance(block, Unknown):
        return dict(block.data)
    if isinstance(block, ServerTool):
        return dict(block.native.data)
    extra: Json = block.extra
    if SPELLING in extra:
        return dict(extra[SPELLING])
    return {**plain_part(block), **extra}


def plain_part(block: Block) -> Part:
    """The part that says a block, in this dialect's usual words."""
    encode_one = _ENCODE.get(type(block))
    return {} if encode_one is None else encode_one(block)


def call_part(call: ToolCall, arguments: Json) -> Part:
    """The part of a call with these arguments; an id that was made here is left out."""
    id = {} if not call.id or call.id.startswith(MADE) else {"id": call.id}
    return {"functionCall": {**id, "name": call.name, "args": arguments}}


def _may_be_text(part: Json) -> bool:
    """Whether a part without data says that it is a thought, or is signed."""
    return any(camel(key) in ("thought", "thoughtSignature") and part[key] for key in part)


def _same(one: object, other: object) -> bool:
    """Whether both are the same JSON; in Python 1, 1.0 and True are equal. Not known of what is too deep."""
    try:
        return one == other and encode(one) == encode(other)
    except (RecursionError, MalformedError):
        return False


def _text(fields: Members, member: Json, issuer: str) -> Block:
    text = fields.text("text") or ""
    if fields.rest.get("thought") is not True:
        return Text(text, extra=fields.rest)
    del fields.rest["thought"]
    native, redacted = native_of(member, issuer)
    ends = ENDS_UNSIGNED if member and native is None and not text else ""
    return Thinking(text, native, redacted, extra=fields.rest, form=ends)


def _inline(fields: Members, member: Json, issuer: str) -> Block:
    block, rest = decode_inline(Members(fields.take("inlineData"), fields.at("inlineData")))
    return structs.replace(block, extra={**fields.rest, **rest})


def _file(fields: Members, member: Json, issuer: str) -> Block:
    block, rest = decode_file(Members(fields.take("fileData"), fields.at("fileData")))
    return structs.replace(block, extra={**fields.rest, **rest})


def _call(fields: Members, member: Json, issuer: str) -> Block | None:
    """A call; one whose arguments come in pieces is for its own dialect alone."""
    inner = Members(fields.take("functionCall"), fields.at("functionCall"))
    if inner.take("partialArgs") is not None or inner.take("willContinue") is not None:
        return None
    arguments = inner.object("args")
    native, _ = native_of(member, issuer)
    return ToolCall(
        inner.text("id") or "",
        inner.text("name") or "",
        "" if arguments is None else arguments_text(arguments),
        native=native,
        extra={**inner.rest, **fields.rest},
    )


def _response(fields: Members, member: Json, issuer: str) -> Block:
    inner = Members(fields.take("functionResponse"), fields.at("functionResponse"))
    return decode_result(inner, fields.rest, _media_part)


def _media_part(part: Json, path: str) -> Block:
    """A part of a function's response: media, or what nobody knows."""
    block = decode_part(part, path)[0]
    return block if isinstance(block, Image | Audio | Document) else Unknown(NAME, part)


def _server_tool(part: Json, kind: str, issuer: str) -> ServerTool:
    """What the provider ran itself, or what came of it; the whole part stays as it is."""
    inner = as_object(next(part[key] for key in part if camel(key) == kind and part[key] is not None), kind)
    id, ran = inner.get("id"), inner.get("toolType", inner.get("tool_type"))
    name = ran.lower() if isinstance(ran, str) else "code_execution"
    step = "call" if _SERVER_TOOLS[kind] else "result"
    return ServerTool(step, id if isinstance(id, str) else "", name, Native(NAME, issuer, part))


_SERVER_TOOLS = {
    "executableCode": True,
    "codeExecutionResult": False,
    "toolCall": True,
    "toolResponse": False,
}
"""The members of a provider's own tools, and whether they are calls."""


def _never(fields: Members, member: Json, issuer: str) -> None:
    return None


_DECODE: dict[str, Callable[[Members, Json, str], Any]] = {
    "text": _text,
    "inlineData": _inline,
    "fileData": _file,
    "functionCall": _call,
    "functionResponse": _response,
    **dict.fromkeys(_SERVER_TOOLS, _never),
}


def _encode_thinking(block: Thinking) -> Part:
    return {"text": block.text, "thought": True}


def _encode_text(block: Text | Refusal) -> Part:
    return {"text": block.text}


def _encode_media(block: Image | Audio | Document) -> Part:
    return encode_media(block) or {}


def _encode_call(block: ToolCall) -> Part:
    return call_part(block, arguments_object(block.arguments))


_ENCODE: dict[type, Callable[[Any], Part]] = {
    Text: _encode_text,
    Refusal: _encode_text,
    Thinking: _encode_thinking,
    Image: _encode_media,
    Audio: _encode_media,
    Document: _encode_media,
    ToolCall: _encode_call,
}

"""Content blocks of requests and answers: to canonical ones.

What has no canonical place stays in `extra`; blocks of an unknown type or source stay whole. Thinking carries
its signature as native data: the provider's own, or what an envelope in the signature's place seals. An empty
envelope marks thinking that nobody signed, which no upstream of this dialect can take back.
"""

from collections.abc import Callable
from typing import Any, cast

from pointsman.canon.blocks import (
    SPELLING,
    Base64Source,
    Block,
    BlocksSource,
    CacheMark,
    Document,
    FileSource,
    Image,
    Native,
    ServerTool,
    Source,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    UrlSource,
)
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.arguments import input_of
from pointsman.dialects.anthropic.citations import decode_citation
from pointsman.dialects.anthropic.words import NAME
from pointsman.wire.envelope import seal, unseal
from pointsman.wire.fields import Fields, as_array, as_object, as_text

UNSIGNED = seal(Native("", "", {}))
"""Stands in the signature's place of thinking that came without opaque state."""

DIRECT: Json = {"type": "direct"}
"""The caller of a tool that no code of the provider's calls."""

SEARCH_RESULT = "search_result"
"""The form of a document that was sent as a `search_result` block."""


COMPACTION = "compaction"
"""The form of a document that was sent as a `compaction` block: the summary of what came before it."""
SUMMARY = "Summary of the conversation so far"
"""Its title."""


def opened(block: Block) -> Block:
    """A block of a request's history; a summary as a document, which others can be told."""
    if not isinstance(block, Unknown) or block.data.get("type") != COMPACTION:
        return block
    content = block.data.get("content")
    if not isinstance(content, str) or not content:
        return block
    fields = Fields(block.data)
    cache = take_cache(fields)
    rest = {key: value for key, value in fields.rest.items() if key not in ("type", "content")}
    return Document(BlocksSource((Text(content),), COMPACTION, rest), title=SUMMARY, cache=cache)


def decode_content(value: object, path: str, issuer: str = "") -> tuple[tuple[Block, ...], str]:
    """(blocks, form) of a `content`: `text`, `blocks`, or `absent`. Raises MalformedError."""
    if value is None:
        return (), "absent"
    if isinstance(value, str):
        return (Text(value),), "text"
    return decode_blocks(value, path, issuer), "blocks"


def decode_blocks(value: object, path: str, issuer: str = "") -> tuple[Block, ...]:
    """An array of blocks. Raises MalformedError."""
    return tuple(
        decode_block(as_object(block, f"{path}[{number}]"), f"{path}[{number}]", issuer)
        for number, block in enumerate(as_array(value, path))
    )


def decode_block(block: Json, path: str, issuer: str = "") -> Block:
    """One block. Raises MalformedError."""
    kind = as_text(block.get("type"), f"{path}.type")
    decode = _DECODE.get(kind)
    if decode is not None:
        return decode(Fields(block, path), block, issuer)
    if kind.endswith("_tool_result"):
        return _server_result(block, kind, issuer)
    return Unknown(NAME, block)


def take_cache(fields: Fields) -> CacheMark | None:
    """The cache breakpoint among an object's members."""
    mark = fields.rest.get("cache_control")
    if not isinstance(mark, dict) or cast("Json", mark).get("type") != "ephemeral":
        return None
    inner = Fields(fields.take("cache_control"), fields.at("cache_control"))
    del inner.rest["type"]
    return CacheMark(inner.text("ttl"), inner.rest)


def native_signature(signature: str, issuer: str, key: str = "signature") -> Native | None:
    """The opaque state in the place of a signature; None for thinking that nobody signed."""
    sealed = unseal(signature)
    if sealed is None:
        return Native(NAME, issuer, {key: signature})
    return sealed if sealed.dialect else None


def _drop_type(fields: Fields) -> dict[str, Any]:
    fields.rest.pop("type", None)
    return fields.rest


def _text(fields: Fields, block: Json, issuer: str) -> Block:
    text = fields.required_text("text")
    wires = fields.array("citations") if fields.rest.get("citations") else None
    citations = tuple(
        decode_citation(as_object(wire, f"{fields.at('citations')}[{number}]"), issuer)
        for number, wire in enumerate(wires or ())
    )
    return Text(text, citations, take_cache(fields), _drop_type(fields))


def _image(fields: Fields, block: Json, issuer: str) -> Block:
    source = _source(fields)
    if source is None:
        return Unknown(NAME, block)
    return Image(source, cache=take_cache(fields), extra=_drop_type(fields))


def _document(fields: Fields, block: Json, issuer: str) -> Block:
    source = _source(fields)
    if source is None:
        return Unknown(NAME, block)
    return Document(
        source,
        title=fields.text("title"),
        context=fields.text("context"),
        citations=fields.object("citations"),
        cache=take_cache(fields),
        extra=_drop_type(fields),
    )


def _search_result(fields: Fields, block: Json, issuer: str) -> Block:
    content, form = decode_content(fields.take("content"), fields.at("content"))
    if form != "blocks":
        return Unknown(NAME, block)
    origin = fields.required_text("source")
    return Document(
        BlocksSource(content, SEARCH_RESULT, {"source": origin}),
        title=fields.text("title"),
        citations=fields.object("citations"),
        cache=take_cache(fields),
        extra=_drop_type(fields),
    )


def _thinking(fields: Fields, block: Json, issuer: str) -> Block:
    text = fields.text("thinking") or ""
    signature = fields.text("signature")
    native = Native(NAME, issuer, {}) if signature is None else native_signature(signature, issuer)
    return Thinking(text, native, cache=take_cache(fields), extra=_drop_type(fields))


def _redacted_thinking(fields: Fields, block: Json, issuer: str) -> Block:
    native = native_signature(fields.required_text("data"), issuer, "data")
    return Thinking("", native, redacted=True, cache=take_cache(fields), extra=_drop_type(fields))


def _tool_use(fields: Fields, block: Json, issuer: str) -> Block:
    arguments, form = input_of(block)
    fields.take("input")
    if fields.rest.get("caller") == DIRECT:
        fields.rest[SPELLING] = {"caller": fields.rest.pop("caller")}
    return ToolCall(
        fields.required_text("id"),
        fields.required_text("name"),
        arguments,
        cache=take_cache(fields),
        form=form,
        extra=_drop_type(fields),
    )


def _tool_result(fields: Fields, block: Json, issuer: str) -> Block:
    content, form = decode_content(fields.take("content"), fields.at("content"))
    return ToolResult(
        fields.required_text("tool_use_id"),
        content,
        fields.boolean("is_error"),
        take_cache(fields),
        form,
        _drop_type(fields),
    )


def _server_call(fields: Fields, block: Json, issuer: str) -> Block:
    name, id = fields.text("name") or "", fields.text("id") or ""
    return ServerTool("call", id, name, Native(NAME, issuer, block))


def _server_result(block: Json, kind: str, issuer: str) -> Block:
    call = block.get("tool_use_id")
    name = kind.removesuffix("_tool_result")
    return ServerTool("result", call if isinstance(call, str) else "", name, Native(NAME, issuer, block))


_DECODE: dict[str, Callable[[Fields, Json, str], Block]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "server_tool_use": _server_call,
    "mcp_tool_use": _server_call,
}


def _source(fields: Fields) -> Source | None:
    """A block's source, taken; None where its type is unknown."""
    path = fields.at("source")
    value = as_object(fields.rest.get("source"), path)
    decode = _SOURCES.get(as_text(value.get("type"), f"{path}.type"))
    if decode is None:
        return None
    fields.take("source")
    return decode(Fields(value, path))


def _base64_source(fields: Fields) -> Source:
    return Base64Source(fields.required_text("media_type"), fields.required_text("data"), _drop_type(fields))


def _url_source(fields: Fields) -> Source:
    return UrlSource(fields.required_text("url"), _drop_type(fields))


def _file_source(fields: Fields) -> Source:
    return FileSource(fields.required_text("file_id"), _drop_type(fields))


def _text_source(fields: Fields) -> Source:
    data = fields.required_text("data")
    return TextSource(data, fields.required_text("media_type"), _drop_type(fields))


def _content_source(fields: Fields) -> Source:
    content, form = decode_content(fields.take("content"), fields.at("content"))
    return BlocksSource(content, form, _drop_type(fields))


_SOURCES: dict[str, Callable[[Fields], Source]] = {
    "base64": _base64_source,
    "url": _url_source,
    "file": _file_source,
    "text": _text_source,
    "content": _content_source,
}

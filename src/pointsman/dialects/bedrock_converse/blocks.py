"""Content blocks of requests and answers: to canonical ones.

A block is an object whose one member says its kind. What has no canonical place stays in `extra`: members
beside that one by their names, members within it under the kind's. A `cachePoint` is a block here, and
becomes the mark of the block before it.
"""

from collections.abc import Callable
from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import (
    SPELLING,
    Audio,
    Base64Source,
    Block,
    BlocksSource,
    CacheMark,
    Citation,
    Document,
    Image,
    Native,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.arguments import arguments_text
from pointsman.dialects.bedrock_converse.media import decode_source, decode_texts, document_type, image_type
from pointsman.dialects.bedrock_converse.words import NAME
from pointsman.wire.envelope import unseal
from pointsman.wire.fields import Fields, as_array, as_object
from pointsman.wire.json import encode

SEARCH_RESULT = "search_result"
"""The form of a document that was sent as a search result, in every dialect that has them."""
GUARD = "guardContent"
CITED = "citationsContent"


def decode_blocks(value: object, path: str, issuer: str = "") -> tuple[Block, ...]:
    """An array of blocks. Raises MalformedError."""
    blocks: list[Block] = []
    for number, wire in enumerate(as_array(value, path)):
        place = f"{path}[{number}]"
        block = as_object(wire, place)
        mark = cache_mark(block)
        if mark is not None and blocks and _takes_mark(blocks[-1]):
            blocks[-1] = cast("Block", structs.replace(cast("Any", blocks[-1]), cache=mark))
        else:
            blocks.append(decode_block(block, place, issuer))
    return tuple(blocks)


def cache_mark(wire: Json) -> CacheMark | None:
    """The mark that an element of a list stands for; None for any other, and for one that says more."""
    point = wire.get("cachePoint")
    nulls = {key: None for key in wire if key != "cachePoint"}
    if not isinstance(point, dict) or any(wire[key] is not None for key in nulls):
        return None
    inner = dict(cast("Json", point))
    if inner.pop("type", None) != "default" or not isinstance(inner.get("ttl", ""), str):
        return None
    ttl = inner.pop("ttl", None)
    return CacheMark(ttl, {**inner, SPELLING: nulls} if nulls else inner)


def _takes_mark(block: Block) -> bool:
    return hasattr(block, "cache") and getattr(block, "cache", None) is None


def decode_block(wire: Json, path: str, issuer: str = "") -> Block:
    """One block. Raises MalformedError."""
    kind = next((key for key in wire if key in _DECODE), None)
    if kind is None:
        return Unknown(NAME, wire)
    block = _DECODE[kind](wire[kind], f"{path}.{kind}", issuer)
    if block is None:
        return Unknown(NAME, wire)
    beside = {key: value for key, value in wire.items() if key != kind}
    if not beside:
        return block
    if isinstance(block, ServerTool):
        return structs.replace(block, native=structs.replace(block.native, data=wire))
    known = cast("Any", block)
    return cast("Block", structs.replace(known, extra={**beside, **known.extra}))


def thinking_native(data: Json, issuer: str) -> Native | None:
    """The opaque state of thinking: the model's own, or what an envelope in its place seals."""
    value = data.get("signature", data.get("redactedContent"))
    if not isinstance(value, str):
        return None
    return unseal(value) or Native(NAME, issuer, data)


def decode_citation(wire: Json, issuer: str) -> Citation:
    """One citation; what it says stays whole in its native data."""
    location = wire.get("location")
    web = cast("Json", location).get("web") if isinstance(location, dict) else None
    url = cast("Json", web).get("url") if isinstance(web, dict) else None
    title = wire.get("title")
    return Citation(
        url=url if isinstance(url, str) else None,
        title=title if isinstance(title, str) else None,
        cited_text=_cited_text(wire.get("sourceContent")),
        native=Native(NAME, issuer, wire),
    )


def _cited_text(value: object) -> str | None:
    pieces = cast("list[Any]", value) if isinstance(value, list) else []
    texts = [cast("Json", piece).get("text") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str)) or None


def _text(value: object, path: str, issuer: str) -> Block | None:
    return Text(value) if isinstance(value, str) else None


def _image(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    format = fields.text("format")
    source = decode_source(
        as_object(fields.rest.get("source"), fields.at("source")),
        fields.at("source"),
        image_type(format or ""),
    )
    if source is None:
        return None
    fields.take("source")
    return Image(source, extra=_within("image", fields, {"format": format}))


def _document(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    format = fields.text("format")
    type = document_type(format) if format is not None else "text/plain"
    place = fields.at("source")
    source = decode_source(as_object(fields.rest.get("source"), place), place, type)
    if source is None:
        return None
    fields.take("source")
    return Document(
        source,
        title=fields.text("name"),
        context=fields.text("context"),
        citations=fields.object("citations"),
        extra=_within("document", fields, {"format": format}),
    )


def _audio(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    source = decode_source(as_object(fields.take("source"), fields.at("source")), fields.at("source"), "")
    if not isinstance(source, Base64Source) or source.extra:
        return None
    return Audio(source.data, fields.required_text("format"), extra=_within("audio", fields, {}))


def _search_result(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    content = decode_texts(fields.take("content") or [], fields.at("content"))
    origin = fields.text("source")
    if content is None or origin is None:
        return None
    return Document(
        BlocksSource(content, SEARCH_RESULT, {"source": origin}),
        title=fields.text("title"),
        citations=fields.object("citations"),
        extra=_within("searchResult", fields, {}),
    )


def _tool_use(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    if fields.rest.get("type") is not None:
        return _server_tool("call", {"toolUse": value}, fields, issuer)
    absent = "input" not in fields.rest
    arguments = "" if absent else arguments_text(fields.rest.pop("input"))
    return ToolCall(
        fields.required_text("toolUseId"),
        fields.required_text("name"),
        arguments,
        form="absent" if absent else "",
        extra=_within("toolUse", fields, {}),
    )


def _tool_result(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    if fields.rest.get("type") is not None:
        return _server_tool("result", {"toolResult": value}, fields, issuer)
    content = decode_blocks(fields.take("content") or [], fields.at("content"), issuer)
    status = fields.rest.get("status")
    failed = {"error": True, "success": False}.get(status) if isinstance(status, str) else None
    if failed is not None:
        fields.take("status")
    call_id = fields.required_text("toolUseId")
    return ToolResult(call_id, content, failed, extra=_within("toolResult", fields, {}))


def _server_tool(part: Any, wire: Json, fields: Fields, issuer: str) -> Block:
    name, id = fields.text("name") or "", fields.text("toolUseId") or ""
    return ServerTool(part, id, name, Native(NAME, issuer, wire))


def _json(value: object, path: str, issuer: str) -> Block | None:
    """A tool's result as a value: others read its text."""
    return Text(encode(value).decode(), extra={SPELLING: {"json": value}})


def _reasoning(value: object, path: str, issuer: str) -> Block | None:
    fields = Fields(value, path)
    if "redactedContent" in fields.rest:
        data = {"redactedContent": fields.required_text("redactedContent")}
        native = thinking_native(data, issuer)
        return Thinking("", native, redacted=True, extra=_within("reasoningContent", fields, {}))
    if not isinstance(fields.rest.get("reasoningText"), dict):
        return None
    inner = Fields(fields.take("reasoningText"), fields.at("reasoningText"))
    text, signature = inner.text("text") or "", inner.text("signature")
    native = None if signature is None else thinking_native({"signature": signature}, issuer)
    rest = {"reasoningText": inner.rest} if inner.rest else {}
    return Thinking(text, native, extra=_within("reasoningContent", fields, {}, rest))


def _cited(value: object, path: str, issuer: str) -> Block | None:
    """Text with what it stands upon; how it was cut into pieces is kept where that is not one."""
    fields = Fields(value, path)
    content = decode_texts(fields.take("content") or [], fields.at("content"))
    if content is None or any(piece.extra for piece in content):
        return None
    wires = fields.array("citations")
    citations = tuple(
        decode_citation(as_object(wire, f"{fields.at('citations')}[{number}]"), issuer)
        for number, wire in enumerate(wires or ())
    )
    said: dict[str, Any] = {"content": [piece.text for piece in content], "cited": wires is not None}
    spelled = {SPELLING: {CITED: said}} if len(content) != 1 or not citations else {}
    extra = _within(CITED, fields, {})
    return Text("".join(piece.text for piece in content), citations, extra={**extra, **spelled})


def _guarded(value: object, path: str, issuer: str) -> Block | None:
    """What a guardrail shall look at; for others it is text or a picture like any other."""
    fields = Fields(value, path)
    if len(fields.rest) != 1 or not isinstance(next(iter(fields.rest.values())), dict):
        return None
    inner = decode_block({"image": fields.rest["image"]}, path) if "image" in fields.rest else None
    if isinstance(inner, Image):
        return structs.replace(inner, extra={**inner.extra, GUARD: {"image": True}})
    if "text" not in fields.rest:
        return None
    text = Fields(fields.take("text"), fields.at("text"))
    return Text(text.required_text("text"), extra={GUARD: {"text": text.rest}})


def _within(kind: str, fields: Fields, spelled: dict[str, Any], rest: Json | None = None) -> dict[str, Any]:
    """The `extra` of a block: what is left within its kind, and how it was spelled."""
    left = {**fields.rest, **(rest or {})}
    extra: dict[str, Any] = {kind: left} if left else {}
    told = {key: value for key, value in spelled.items() if value is not None}
    return {**extra, SPELLING: told} if told else extra


_DECODE: dict[str, Callable[[object, str, str], Block | None]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "audio": _audio,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    CITED: _cited,
    GUARD: _guarded,
    "searchResult": _search_result,
    "json": _json,
}

"""Content parts of messages: to blocks and back.

A part that cannot be rebuilt exactly from its block keeps the members that differ in the block's `extra`.
"""

from collections.abc import Callable
from typing import Any, cast

from pointsman.canon.blocks import (
    SPELLING,
    Audio,
    Block,
    CacheMark,
    Document,
    FileSource,
    Image,
    Refusal,
    Source,
    Text,
    Unknown,
)
from pointsman.canon.json import Json
from pointsman.dialects.addresses import file_source, link, source_of
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.openai_chat.words import NAME
from pointsman.dialects.spelling import apart
from pointsman.wire.fields import Fields, as_array, as_object, as_text

BREAKPOINT = "prompt_cache_breakpoint"
"""Platform guide "Prompt caching": `{"mode": "explicit", "ttl": "30m" | "12h"}` on a part."""
CONTROL = "cache_control"
"""The spelling of OpenRouter, LiteLLM and Qwen: `{"type": "ephemeral", "ttl": "5m" | "1h"}`."""

_MARKS: dict[str, dict[str, str]] = {BREAKPOINT: {"mode": "explicit"}, CONTROL: {"type": "ephemeral"}}
"""The two, and what each says beside a lifetime."""


def decode_parts(parts: object, path: str) -> tuple[Block, ...]:
    """An array of parts. Raises MalformedError."""
    return tuple(
        decode_part(as_object(part, f"{path}[{number}]"), f"{path}[{number}]")
        for number, part in enumerate(as_array(parts, path))
    )


def decode_part(part: Json, path: str) -> Block:
    """One part. Raises MalformedError."""
    kind = as_text(part.get("type"), f"{path}.type")
    decode = _DECODE.get(kind)
    return Unknown(NAME, part) if decode is None else decode(part, path)


def encode_part(block: Block, *, own: bool) -> dict[str, Any] | None:
    """The part for a block; None where a part cannot hold it. `own`: the block came in this dialect."""
    if isinstance(block, Unknown):
        return dict(block.data) if block.dialect == NAME else None
    encode = _ENCODE.get(type(block))
    part = None if encode is None else encode(block)
    if part is None or not own:
        return part
    cache = getattr(block, "cache", None)
    return {**part, **encode_mark(cache), **laid_out(getattr(block, "extra", {}))}


def take_mark(fields: Fields) -> CacheMark | None:
    """The cache breakpoint among an object's members."""
    for name, said in _MARKS.items():
        value = fields.rest.get(name)
        if isinstance(value, dict) and said.items() <= cast("Json", value).items():
            mark = Fields(fields.take(name), fields.at(name))
            ttl = mark.text("ttl")
            extra = {key: each for key, each in mark.rest.items() if key not in said}
            return CacheMark(ttl, {**extra, SPELLING: said} if name == BREAKPOINT else extra)
    return None


def encode_mark(mark: CacheMark | None) -> dict[str, Any]:
    """The member that says a breakpoint, as the client spelled it."""
    if mark is None:
        return {}
    name = BREAKPOINT if SPELLING in mark.extra else CONTROL
    ttl = {} if mark.ttl is None else {"ttl": mark.ttl}
    return {name: {**_MARKS[name], **laid_out(mark.extra), **ttl}}


def is_part(refusal: Refusal) -> bool:
    """Whether a refusal stood among the parts of `content`, not beside it."""
    return SPELLING in refusal.extra


_AS_PART = {"type": "refusal"}


def _text(part: Json, path: str) -> Block:
    fields = Fields(part, path)
    text = fields.required_text("text")
    del fields.rest["type"]
    return Text(text, cache=take_mark(fields), extra=fields.rest)


def _refusal(part: Json, path: str) -> Block:
    fields = Fields(part, path)
    text = fields.required_text("refusal")
    rest = {key: value for key, value in fields.rest.items() if key != "type"}
    return Refusal(text, extra={**rest, SPELLING: _AS_PART})


def _image(part: Json, path: str) -> Block:
    fields = Fields(part, path)
    address = fields.take("image_url")
    if isinstance(address, str):
        image = Image(source_of(address), cache=take_mark(fields))
    else:
        inner = Fields(address, fields.at("image_url"))
        source = source_of(inner.required_text("url"))
        image = Image(source, detail=inner.text("detail"), cache=take_mark(fields))
    return Image(image.source, image.detail, image.cache, _rest(part, image))


def _audio(part: Json, path: str) -> Block:
    fields = Fields(part, path)
    inner = Fields(fields.take("input_audio"), fields.at("input_audio"))
    audio = Audio(inner.required_text("data"), inner.text("format") or "", take_mark(fields))
    return Audio(audio.data, audio.format, audio.cache, _rest(part, audio))


def _file(part: Json, path: str) -> Block:
    fields = Fields(part, path)
    inner = Fields(fields.take("file"), fields.at("file"))
    id, data, name = inner.text("file_id"), inner.text("file_data"), inner.text("filename")
    if data is not None:
        source: Source = file_source(data)
    elif id is not None:
        source = FileSource(id)
    else:
        return Unknown(NAME, part)
    document = Document(source, title=name, cache=take_mark(fields))
    return Document(source, title=name, cache=document.cache, extra=_rest(part, document))


_WITHIN: dict[str, frozenset[str]] = {
    "image_url": frozenset({"url", "detail"}),
    "input_audio": frozenset({"data", "format"}),
    "file": frozenset({"file_id", "file_data", "filename"}),
}
"""The objects within parts, and the members that they are known to have."""


def _rest(part: Json, block: Image | Audio | Document) -> dict[str, Any]:
    """What the part says besides: an odd inner object as a whole, and what is unknown in it, to be told."""
    rebuilt = _ENCODE[type(block)](block) or {}
    extra = apart(part, {**rebuilt, **encode_mark(block.cache)})
    for key, known in _WITHIN.items():
        unknown = _unlike(part.get(key), known)
        if unknown:
            extra[key] = unknown
    return extra


def _unlike(inner: object, known: frozenset[str]) -> dict[str, Any]:
    members: Json = cast("Json", inner) if isinstance(inner, dict) else {}
    return {name: members[name] for name in members if name not in known}


def _encode_text(block: Text) -> dict[str, Any]:
    return {"type": "text", "text": block.text}


def _encode_refusal(block: Refusal) -> dict[str, Any]:
    return {"type": "refusal", "refusal": block.text}


def _encode_image(block: Image) -> dict[str, Any] | None:
    url = link(block.source)
    if url is None:
        return None
    detail = {} if block.detail is None else {"detail": block.detail}
    return {"type": "image_url", "image_url": {"url": url, **detail}}


def _encode_audio(block: Audio) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}


def _encode_file(block: Document) -> dict[str, Any] | None:
    name = {} if block.title is None else {"filename": block.title}
    if isinstance(block.source, FileSource):
        return {"type": "file", "file": {"file_id": block.source.id, **name}}
    data = link(block.source)
    return None if data is None else {"type": "file", "file": {**name, "file_data": data}}


_DECODE: dict[str, Callable[[Json, str], Block]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
}

_ENCODE: dict[type, Callable[[Any], dict[str, Any] | None]] = {
    Text: _encode_text,
    Refusal: _encode_refusal,
    Image: _encode_image,
    Audio: _encode_audio,
    Document: _encode_file,
}

"""Content parts of messages and of tools' outputs: to blocks and back."""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import (
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
from pointsman.dialects.openai_responses.citations import decode_annotations
from pointsman.dialects.openai_responses.words import INPUT_TEXT, NAME, OUTPUT_TEXT
from pointsman.wire.fields import Fields, as_array, as_object, as_text

Part = dict[str, Any]

BREAKPOINT = "prompt_cache_breakpoint"
"""`{"mode": "explicit", "ttl": "30m" | "12h"}` on a part (developers.openai.com, "Prompt caching")."""
_EXPLICIT = {"mode": "explicit"}


def decode_parts(parts: object, path: str) -> tuple[Block, ...]:
    """An array of parts. Raises MalformedError."""
    return tuple(
        decode_part(as_object(part, f"{path}[{at}]"), f"{path}[{at}]")
        for at, part in enumerate(as_array(parts, path))
    )


def decode_part(part: Json, path: str, issuer: str = "") -> Block:
    """One part; what has no canonical place stays in `extra`. Raises MalformedError."""
    decode = _DECODE.get(as_text(part.get("type"), f"{path}.type"))
    fields = Fields(part, path)
    mark = _take_mark(fields)
    block = None if decode is None else decode(fields, issuer)
    if block is None:
        return Unknown(NAME, part)
    del fields.rest["type"]
    block = structs.replace(block, extra=fields.rest)
    return block if mark is None or isinstance(block, Refusal) else structs.replace(block, cache=mark)


def encode_part(block: Block, text_type: str) -> Part:
    """The part for a block, text being called `text_type`; empty where a part cannot hold it."""
    encode = _ENCODE.get(type(block))
    return {} if encode is None else encode(block, text_type)


def encode_mark(mark: CacheMark | None) -> dict[str, Any]:
    """The member that says a breakpoint."""
    if mark is None:
        return {}
    ttl = {} if mark.ttl is None else {"ttl": mark.ttl}
    return {BREAKPOINT: {**_EXPLICIT, **ttl, **mark.extra}}


def _take_mark(fields: Fields) -> CacheMark | None:
    value = fields.rest.get(BREAKPOINT)
    if not isinstance(value, dict) or not _EXPLICIT.items() <= value.items():
        return None
    inner = Fields(fields.take(BREAKPOINT), fields.at(BREAKPOINT))
    del inner.rest["mode"]
    return CacheMark(inner.text("ttl"), inner.rest)


def _text(fields: Fields, issuer: str) -> Block:
    text, annotations = fields.required_text("text"), fields.take("annotations")
    return Text(text, decode_annotations(annotations, issuer))


def _refusal(fields: Fields, issuer: str) -> Block:
    return Refusal(fields.required_text("refusal"))


def _image(fields: Fields, issuer: str) -> Block | None:
    url, id = fields.text("image_url"), fields.text("file_id")
    if url is None and id is None:
        return None
    source: Source = source_of(url) if url is not None else FileSource(id or "")
    return Image(source, detail=fields.text("detail"))


def _file(fields: Fields, issuer: str) -> Block | None:
    data, url, id = fields.text("file_data"), fields.text("file_url"), fields.text("file_id")
    if data is not None:
        source: Source = file_source(data)
    elif url is not None:
        source = source_of(url)
    elif id is not None:
        source = FileSource(id)
    else:
        return None
    return Document(source, title=fields.text("filename"))


def _audio(fields: Fields, issuer: str) -> Block:
    inner = Fields(fields.take("input_audio"), fields.at("input_audio"))
    return Audio(inner.required_text("data"), inner.text("format") or "")


_DECODE: dict[str, Callable[[Fields, str], Block | None]] = {
    INPUT_TEXT: _text,
    OUTPUT_TEXT: _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def _encode_text(block: Text, text_type: str) -> Part:
    return {"type": text_type, "text": block.text}


def _encode_refusal(block: Refusal, text_type: str) -> Part:
    return {"type": "refusal", "refusal": block.text}


def _encode_image(block: Image, text_type: str) -> Part:
    detail = {} if block.detail is None else {"detail": block.detail}
    if isinstance(block.source, FileSource):
        return {"type": "input_image", "file_id": block.source.id, **detail}
    url = link(block.source)
    return {} if url is None else {"type": "input_image", "image_url": url, **detail}


def _encode_file(block: Document, text_type: str) -> Part:
    name = {} if block.title is None else {"filename": block.title}
    if isinstance(block.source, FileSource):
        return {"type": "input_file", "file_id": block.source.id, **name}
    data = link(block.source)
    if data is None:
        return {}
    return {"type": "input_file", **name, "file_data" if data.startswith("data:") else "file_url": data}


def _encode_audio(block: Audio, text_type: str) -> Part:
    return {"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}


_ENCODE: dict[type, Callable[[Any, str], Part]] = {
    Text: _encode_text,
    Refusal: _encode_refusal,
    Image: _encode_image,
    Document: _encode_file,
    Audio: _encode_audio,
}

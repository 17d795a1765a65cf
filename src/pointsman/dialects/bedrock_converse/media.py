"""Pictures, sounds and documents: their formats, and where their bytes are.

Bytes stand in the request in base64, or in S3, which only AWS can read: so a place there is a file's id.
"""

import re
from collections.abc import Iterable
from typing import Any

from pointsman.canon.blocks import Base64Source, BlocksSource, FileSource, Source, Text, TextSource
from pointsman.canon.json import Json
from pointsman.wire.fields import Fields, as_array, as_object, as_text

Wire = dict[str, Any]

IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif"}
IMAGES["image/webp"] = "webp"
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
"""Media type → format, as `DocumentBlock` names them."""
AUDIO = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm"}
    | {"webm"}
)
_IMAGE_TYPES = {format: media_type for media_type, format in reversed(IMAGES.items())}
_DOCUMENT_TYPES = {format: media_type for media_type, format in DOCUMENTS.items()}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s()\[\]-]")
_BLANKS = re.compile(r"\s+")
_LONGEST_NAME = 200


def image_type(format: str) -> str:
    """The media type of a picture's format."""
    return _IMAGE_TYPES.get(format, f"image/{format}")


def document_type(format: str) -> str:
    """The media type of a document's format."""
    return _DOCUMENT_TYPES.get(format, "application/octet-stream")


def document_name(title: str) -> str:
    """A title as far as a document's name may hold it; empty if nothing of it may."""
    return _BLANKS.sub(" ", _NOT_IN_NAMES.sub(" ", title)).strip()[:_LONGEST_NAME].strip()


def decode_source(wire: Json, path: str, media_type: str) -> Source | None:
    """A source; None where its kind is unknown. Raises MalformedError."""
    fields = Fields(wire, path)
    if "bytes" in wire:
        return Base64Source(media_type, fields.required_text("bytes"), fields.rest)
    if "s3Location" in wire:
        location = Fields(fields.take("s3Location"), fields.at("s3Location"))
        uri = location.required_text("uri")
        inner = {"s3Location": location.rest} if location.rest else {}
        return FileSource(uri, {**fields.rest, **inner})
    if "text" in wire:
        return TextSource(fields.required_text("text"), media_type, fields.rest)
    if "content" in wire:
        content = decode_texts(fields.take("content"), fields.at("content"))
        return None if content is None else BlocksSource(content, "blocks", fields.rest)
    return None


def decode_texts(value: object, path: str) -> tuple[Text, ...] | None:
    """A list of pieces of text; None where one is none. Raises MalformedError."""
    wires = [as_object(wire, f"{path}[{number}]") for number, wire in enumerate(as_array(value, path))]
    if any("text" not in wire for wire in wires):
        return None
    return tuple(
        Text(as_text(wire["text"], path), extra={key: wire[key] for key in wire if key != "text"})
        for wire in wires
    )


def encode_texts(blocks: Iterable[Any]) -> list[Wire]:
    """A list of pieces of text, as they came."""
    return [{**block.extra, "text": block.text} for block in blocks if isinstance(block, Text)]


def own_source(source: Source) -> Wire:
    """A source as it came in this dialect."""
    extra = source.extra
    if isinstance(source, Base64Source):
        return {**extra, "bytes": source.data}
    if isinstance(source, FileSource):
        return {**extra, "s3Location": {**extra.get("s3Location", {}), "uri": source.id}}
    if isinstance(source, BlocksSource):
        return {**extra, "content": encode_texts(source.content)}
    return {**extra, "text": source.text if isinstance(source, TextSource) else source.url}

"""Pictures, sounds and documents: `inlineData` and `fileData`, to blocks and back.

A file of Google's own storage is a file by its id, which nobody else can read; any other address is an
address.
"""

import re
from base64 import b64encode
from typing import Any

from pointsman.canon.blocks import Audio, Base64Source, Document, FileSource, Image, TextSource, UrlSource
from pointsman.dialects.gemini.signature import standard
from pointsman.dialects.gemini.spelling import Members

Media = Image | Audio | Document

_STORED = re.compile(r"https://generativelanguage\.googleapis\.com/[^/]+/files/")
"""ai.google.dev, "Files API"."""
_ENDING = re.compile(r"\.([a-z0-9]{2,5})(?:[?#]|\Z)", re.IGNORECASE)
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "html": "text/html",
    "csv": "text/csv",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}
"""Subtypes of `audio/` → the format's usual name."""


def decode_inline(fields: Members) -> tuple[Media, dict[str, Any]]:
    """(the block, what else the object says). Raises MalformedError."""
    media_type = fields.text("mimeType") or ""
    data = standard(fields.required_text("data"))
    kind, _, subtype = media_type.partition("/")
    if kind == "image":
        return Image(Base64Source(media_type, data)), fields.rest
    if kind == "audio":
        return Audio(data, _FORMATS.get(subtype, subtype)), fields.rest
    return Document(Base64Source(media_type, data), title=fields.text("displayName")), fields.rest


def decode_file(fields: Members) -> tuple[Media, dict[str, Any]]:
    """(the block, what else the object says). Raises MalformedError."""
    uri = fields.required_text("fileUri")
    named = fields.text("mimeType")
    media_type = named or guessed(uri) or ""
    by_address = uri.startswith(("https://", "http://")) and _STORED.match(uri) is None
    source = UrlSource(uri) if by_address else FileSource(uri)
    rest = dict(fields.rest) if media_type == guessed(uri) else {**fields.rest, "mimeType": named}
    if media_type.startswith("image/"):
        return Image(source), rest
    return Document(source, title=fields.text("displayName")), rest


def guessed(uri: str) -> str | None:
    """The media type that an address ends in."""
    endings = _ENDING.findall(uri)
    return _TYPES.get(endings[-1].lower()) if endings else None


def encode_media(block: Media) -> dict[str, Any] | None:
    """The part's one member; None for a source that no part can hold."""
    if isinstance(block, Audio):
        return _inline(f"audio/{block.format}", block.data)
    source = block.source
    if isinstance(source, Base64Source):
        return _inline(source.media_type, source.data)
    if isinstance(source, TextSource):
        return _inline(source.media_type, b64encode(source.text.encode("utf-8", "replace")).decode())
    if isinstance(source, UrlSource):
        return _file(source.url)
    return _file(source.id) if isinstance(source, FileSource) else None


def _inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _file(uri: str) -> dict[str, Any]:
    media_type = guessed(uri)
    return {"fileData": {"fileUri": uri, **({"mimeType": media_type} if media_type else {})}}

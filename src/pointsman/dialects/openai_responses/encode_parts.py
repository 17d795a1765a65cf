"""Blocks of another dialect as content parts for an upstream."""

from collections.abc import Callable, Iterable
from typing import Any

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    Block,
    BlocksSource,
    Document,
    FileSource,
    Image,
    Refusal,
    ServerTool,
    Text,
    TextSource,
    Thinking,
    Unknown,
    UrlSource,
)
from pointsman.canon.errors import UnsupportedError
from pointsman.dialects.addresses import link
from pointsman.dialects.foreign import check_readable
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.parts import Part, encode_part
from pointsman.dialects.openai_responses.words import INPUT_TEXT, OUTPUT_TEXT

ASSISTANT = "assistant"
"""Where text is the model's own."""
_NAMES = {
    "application/pdf": "document.pdf",
    "text/plain": "document.txt",
    "text/csv": "document.csv",
    "text/html": "document.html",
    "text/markdown": "document.md",
}
"""OpenAI refuses a file's data without a name."""


def parts_of(draft: Draft, blocks: Iterable[Block], where: str) -> list[Part]:
    """The parts for some blocks. Raises UnsupportedError for what the target cannot see."""
    return [part for block in blocks for part in _parts(draft, block, where)]


def check_media(draft: Draft, block: Image | Audio | Document) -> None:
    """Raises UnsupportedError for media that the target does not take."""
    by_address = isinstance(block.source, UrlSource) if not isinstance(block, Audio) else False
    if isinstance(block, Audio) and not draft.traits.audio:
        raise _blind(draft, "audio")
    if isinstance(block, Image) and not draft.traits.images:
        raise _blind(draft, "images")
    if isinstance(block, Image) and by_address and not draft.traits.image_urls:
        raise _blind(draft, "images by address; send them as base64")
    inline = isinstance(block, Document) and isinstance(block.source, TextSource | BlocksSource)
    if isinstance(block, Document) and not inline and not draft.traits.documents:
        raise _blind(draft, "documents")


def _blind(draft: Draft, what: str) -> UnsupportedError:
    return UnsupportedError(f"{draft.target.model} takes no {what}", param="input")


def _parts(draft: Draft, block: Block, where: str) -> list[Part]:
    if isinstance(block, Image | Audio | Document):
        check_media(draft, block)
    draft.dropped_extra(getattr(block, "extra", {}), where)
    write = _WRITE.get(type(block))
    return [] if write is None else write(draft, block, where)


def _text(draft: Draft, block: Text, where: str) -> list[Part]:
    if block.citations:
        draft.count("dropped", f"{where}.citations", "the target takes none back")
    said = where == ASSISTANT
    mark = draft.mark(block.cache, takes=not said and bool(block.text))
    return [{**encode_part(block, OUTPUT_TEXT if said else INPUT_TEXT), **mark}] if block.text else []


def _refusal(draft: Draft, block: Refusal, where: str) -> list[Part]:
    if where == ASSISTANT:
        return [encode_part(block, OUTPUT_TEXT)]
    return [{"type": INPUT_TEXT, "text": block.text}]


def _image(draft: Draft, block: Image, where: str) -> list[Part]:
    _must_be_readable(draft, block.source, "an image", where)
    draft.dropped_extra(block.source.extra, f"{where}.image.source")
    return [{"detail": "auto", **encode_part(block, INPUT_TEXT), **draft.mark(block.cache)}]


def _audio(draft: Draft, block: Audio, where: str) -> list[Part]:
    raise UnsupportedError("the Responses API takes no sound; choose a backend of another kind", param=where)


def _document(draft: Draft, block: Document, where: str) -> list[Part]:
    if block.citations and block.citations.get("enabled"):
        draft.count("dropped", f"{where}.document.citations", "the target cites no documents of its client's")
    if block.context is not None:
        draft.count("dropped", f"{where}.document.context", "the target has no such field")
    source = block.source
    if isinstance(source, Base64Source) and source.media_type.startswith("video/"):
        raise _blind(draft, "video")
    draft.dropped_extra(source.extra, f"{where}.document.source")
    if isinstance(source, TextSource | BlocksSource):
        return _inline(draft, block, where)
    _must_be_readable(draft, source, "a document", where)
    mark = draft.mark(block.cache)
    if isinstance(source, UrlSource) and not source.url.startswith("data:"):
        return [{**encode_part(block, INPUT_TEXT), **mark}]
    media_type = source.media_type if isinstance(source, Base64Source) else ""
    name = block.title or _NAMES.get(media_type, "document")
    if not block.title:
        draft.count("approximated", f"{where}.document", f"called `{name}`, since the target demands a name")
    return [{"type": "input_file", "filename": name, "file_data": link(source), **mark}]


def _must_be_readable(draft: Draft, source: object, what: str, where: str) -> None:
    if isinstance(source, FileSource):
        raise UnsupportedError(
            f"{what} in {where} was uploaded to another provider, which {draft.target.model} cannot read; "
            "send it as base64",
            param=where,
        )


def _inline(draft: Draft, block: Document, where: str) -> list[Part]:
    """A document of text, as text."""
    draft.count("approximated", f"{where}.document", "its text stands in the message")
    title = [] if block.title is None else [{"type": INPUT_TEXT, "text": f"Document: {block.title}"}]
    if isinstance(block.source, TextSource):
        return [*title, {"type": INPUT_TEXT, "text": block.source.text, **draft.mark(block.cache)}]
    content = block.source.content if isinstance(block.source, BlocksSource) else ()
    return [*title, *parts_of(draft, content, where)]


def _server_tool(draft: Draft, block: ServerTool, where: str) -> list[Part]:
    draft.count("dropped", f"{where}.{block.name}", "a tool that another provider ran, in the history")
    return []


def _unknown(draft: Draft, block: Unknown, where: str) -> list[Part]:
    check_readable(block)
    draft.count(
        "dropped", f"{where}.{block.data.get('type', 'block')}", "a block of a kind that is not known"
    )
    return []


def _thinking(draft: Draft, block: Thinking, where: str) -> list[Part]:
    draft.count("dropped", f"{where}.thinking", "thinking stands in an assistant's turn only")
    return []


_WRITE: dict[type, Callable[[Draft, Any, str], list[Part]]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Audio: _audio,
    Document: _document,
    ServerTool: _server_tool,
    Unknown: _unknown,
    Thinking: _thinking,
}

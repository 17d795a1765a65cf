"""Content for an upstream: blocks as one string where they are text, else as parts."""

from collections.abc import Callable, Sequence
from typing import Any

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    Block,
    BlocksSource,
    Document,
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
from pointsman.dialects.openai_chat.blocks import encode_part
from pointsman.dialects.openai_chat.draft import Draft

Part = dict[str, Any]

ASSISTANT = "assistant"
"""Where blocks stand that are joined without anything between them."""
_NAMES = {
    "application/pdf": "document.pdf",
    "text/plain": "document.txt",
    "text/csv": "document.csv",
    "text/html": "document.html",
    "text/markdown": "document.md",
}
"""OpenAI refuses a file without a name."""


def content_of(draft: Draft, blocks: Sequence[Block], where: str, separator: str) -> str | list[Part]:
    """One string for text alone, which every server takes; else parts."""
    parts = parts_of(draft, blocks, where)
    if any(part.keys() != {"type", "text"} for part in parts):
        return parts
    if len(parts) > 1 and separator:
        draft.count("approximated", f"{where}.content", "text blocks joined into one")
    return separator.join(part["text"] for part in parts)


def parts_of(draft: Draft, blocks: Sequence[Block], where: str) -> list[Part]:
    """The parts for some blocks. Raises UnsupportedError for what the target cannot see."""
    return [part for block in blocks for part in _parts(draft, block, where)]


def _parts(draft: Draft, block: Block, where: str) -> list[Part]:
    check = _CHECKS.get(type(block))
    if check is not None:
        check(draft, block)
    if draft.own:
        part = encode_part(block, own=True)
        return [] if part is None else [part]
    draft.dropped_extra(getattr(block, "extra", {}), where)
    write = _WRITE.get(type(block))
    return [] if write is None else write(draft, block, where)


def _text(draft: Draft, block: Text, where: str) -> list[Part]:
    if block.citations:
        draft.count("dropped", f"{where}.citations", "this dialect takes none back")
    if not block.text:
        return []
    return [{"type": "text", "text": block.text, **draft.mark(block.cache)}]


def _refusal(draft: Draft, block: Refusal, where: str) -> list[Part]:
    return [{"type": "text", "text": block.text}]


def _image(draft: Draft, block: Image, where: str) -> list[Part]:
    part = encode_part(block, own=False)
    if part is None:
        raise UnsupportedError(
            f"an image in {where} was uploaded to another provider, which {draft.target.model} cannot read; "
            "send it as base64",
            param=where,
        )
    draft.dropped_extra(block.source.extra, f"{where}.image.source")
    return [{**part, **draft.mark(block.cache)}]


def _audio(draft: Draft, block: Audio, where: str) -> list[Part]:
    return [{**(encode_part(block, own=False) or {}), **draft.mark(block.cache)}]


def _document(draft: Draft, block: Document, where: str) -> list[Part]:
    if block.citations and block.citations.get("enabled"):
        draft.count("dropped", f"{where}.document.citations", "the target cites no documents")
    if block.context is not None:
        draft.count("dropped", f"{where}.document.context", "the target has no such field")
    source = block.source
    if isinstance(source, Base64Source) and source.media_type.startswith("video/"):
        raise _blind(draft, "video")
    draft.dropped_extra(source.extra, f"{where}.document.source")
    if isinstance(source, TextSource | BlocksSource):
        return _inline(draft, block, where)
    if not isinstance(source, Base64Source):
        kind = "an address" if isinstance(source, UrlSource) else "an uploaded file"
        raise UnsupportedError(
            f"a document in {where} is {kind}, which {draft.target.model} cannot fetch; send it as base64",
            param=where,
        )
    name = block.title or _NAMES.get(source.media_type, "document")
    if not block.title:
        draft.count("approximated", f"{where}.document", f"called `{name}`, since the target demands a name")
    return [
        {"type": "file", "file": {"filename": name, "file_data": link(source)}, **draft.mark(block.cache)}
    ]


def _inline(draft: Draft, block: Document, where: str) -> list[Part]:
    """A document of text, as text."""
    draft.count("approximated", f"{where}.document", "its text stands in the message")
    apart = "\n\n" if where == ASSISTANT else ""
    title: list[Part] = [{"type": "text", "text": f"Document: {block.title}{apart}"}] if block.title else []
    if isinstance(block.source, TextSource):
        return [*title, {"type": "text", "text": block.source.text + apart, **draft.mark(block.cache)}]
    content = block.source.content if isinstance(block.source, BlocksSource) else ()
    end: list[Part] = [{"type": "text", "text": apart}] if apart else []
    return [*title, *parts_of(draft, content, where), *end]


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


def _check_image(draft: Draft, block: Image) -> None:
    if not draft.traits.images:
        raise _blind(draft, "images")
    if isinstance(block.source, UrlSource) and not draft.traits.image_urls:
        raise _blind(draft, "images by address; send them as base64")


def _check_audio(draft: Draft, block: Audio) -> None:
    if not draft.traits.audio:
        raise _blind(draft, "audio")


def _check_document(draft: Draft, block: Document) -> None:
    if not draft.traits.documents and not isinstance(block.source, TextSource | BlocksSource):
        raise _blind(draft, "documents")


def _blind(draft: Draft, what: str) -> UnsupportedError:
    return UnsupportedError(f"{draft.target.model} takes no {what}", param="messages")


_CHECKS: dict[type, Callable[[Draft, Any], None]] = {
    Image: _check_image,
    Audio: _check_audio,
    Document: _check_document,
}

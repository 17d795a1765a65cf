"""Blocks of another dialect's requests, as parts for one target."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

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
    Thinking,
    ToolCall,
    Unknown,
    UrlSource,
)
from pointsman.canon.errors import UnsupportedError
from pointsman.dialects.foreign import check_readable
from pointsman.dialects.gemini.arguments import arguments_of
from pointsman.dialects.gemini.draft import Draft
from pointsman.dialects.gemini.media import encode_media
from pointsman.dialects.gemini.parts import Part, call_part
from pointsman.dialects.gemini.signature import ON_PART, place_of, signature_member
from pointsman.dialects.gemini.spelling import member
from pointsman.dialects.gemini.words import NAME, SIGNATURE


def encode_parts(blocks: Iterable[Block], path: str, draft: Draft) -> list[Part]:
    """The parts that reach the target. Raises UnsupportedError where a meaning would be lost."""
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        place = f"{path}[{number}]"
        if isinstance(block, Thinking):
            draft.count_mark(block)
            _add_thinking(parts, block, place, draft)
        else:
            parts += encode_block(block, place, draft)
    return parts


def encode_block(block: Block, path: str, draft: Draft) -> list[Part]:
    """The parts for one block, thinking apart. Raises UnsupportedError where a meaning would be lost."""
    draft.count_mark(block)
    write = _WRITE.get(type(block))
    parts = [] if write is None else write(block, path, draft)
    draft.dropped_extra(getattr(block, "extra", {}), path)
    return parts


def is_ours(block: Thinking | ToolCall, draft: Draft) -> bool:
    """Whether the block holds state that the target issued itself."""
    native = block.native
    return native is not None and native.dialect == NAME and native.issuer in ("", draft.target.issuer)


def _add_thinking(parts: list[Part], block: Thinking, path: str, draft: Draft) -> None:
    """A thought that the target signed, or a signature in the place where it sat."""
    if not is_ours(block, draft):
        draft.dropped(path, "the target did not sign this thinking and would refuse it")
        return
    signed = signature_member(block.native)
    place = place_of(block.native)
    if not place:
        parts.append({"text": block.text, "thought": True, **signed})
    elif parts and place == ON_PART and _takes_signature(parts[-1]):
        parts[-1] = {**parts[-1], **signed}
    else:
        parts.append({"text": "", **signed})


def _takes_signature(part: Part) -> bool:
    """Whether it is a text that has no signature yet."""
    return "text" in part and "thought" not in part and not member(part, SIGNATURE)


def _text(block: Text, path: str, draft: Draft) -> list[Part]:
    if block.citations:
        draft.dropped(f"{path}.citations", "the target takes none back")
    return [{"text": block.text}] if block.text else []


def _refusal(block: Refusal, path: str, draft: Draft) -> list[Part]:
    draft.approximated(path, "a refusal is sent as text")
    return [{"text": block.text}] if block.text else []


def _image(block: Image, path: str, draft: Draft) -> list[Part]:
    if not draft.traits.images:
        raise UnsupportedError(f"the target takes no images; leave out: {path}", param=path)
    if block.detail not in (None, "auto"):
        draft.dropped(f"{path}.detail", "the target chooses the resolution itself")
    return [_media(block, path, draft)]


def _audio(block: Audio, path: str, draft: Draft) -> list[Part]:
    if not draft.traits.audio:
        raise UnsupportedError(f"the target takes no sound; leave out: {path}", param=path)
    return [_media(block, path, draft)]


def _document(block: Document, path: str, draft: Draft) -> list[Part]:
    for name in ("context", "title"):
        if getattr(block, name) is not None:
            draft.dropped(f"{path}.{name}", "the target has no such field")
    if block.citations and block.citations.get("enabled"):
        draft.dropped(f"{path}.citations", "the target does not cite documents")
    if isinstance(block.source, BlocksSource):
        draft.approximated(path, "a document of blocks is sent as its blocks")
        return encode_parts(block.source.content, f"{path}.content", draft)
    if not draft.traits.documents:
        raise UnsupportedError(f"the target takes no documents; leave out: {path}", param=path)
    return [_media(block, path, draft)]


def _media(block: Image | Audio | Document, path: str, draft: Draft) -> Part:
    """The part of a picture, sound or document. Raises UnsupportedError for what the target cannot reach."""
    if not isinstance(block, Audio):
        source = block.source
        if isinstance(source, UrlSource) and source.url.startswith("data:"):
            head, _, data = source.url[5:].partition(",")
            block = structs.replace(block, source=Base64Source(head.partition(";")[0], data))
        elif isinstance(source, UrlSource) and not draft.traits.image_urls:
            why = "send the bytes in base64"
            raise UnsupportedError(f"the target fetches no addresses; {why}: {path}", param=path)
        elif isinstance(source, FileSource):
            why = "the file was uploaded to another provider; send its bytes in base64"
            raise UnsupportedError(f"the target has no file {source.id} ({why}): {path}", param=path)
        draft.dropped_extra(source.extra, path)
    return encode_media(block) or {"text": ""}


def _call(block: ToolCall, path: str, draft: Draft) -> list[Part]:
    arguments, valid = arguments_of(block, block.arguments)
    if not valid:
        draft.approximated(f"{path}.arguments", "no JSON object; the text is sent as one member")
    named = structs.replace(block, name=draft.name(block.name, block.kind))
    signed = signature_member(block.native) if is_ours(block, draft) else {}
    if block.native is not None and not signed:
        draft.dropped(f"{path}.native", "only the provider that issued it can read it")
    return [{**call_part(named, arguments), **signed}]


def _server_tool(block: ServerTool, path: str, draft: Draft) -> list[Part]:
    draft.dropped(path, f"the target did not run this `{block.name}`")
    return []


def _unknown(block: Unknown, path: str, draft: Draft) -> list[Part]:
    check_readable(block)
    draft.dropped(path, f"a block of type `{block.data.get('type')}` has no form here")
    return []


_WRITE: dict[type, Callable[[Any, str, Draft], list[Part]]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Audio: _audio,
    Document: _document,
    ToolCall: _call,
    ServerTool: _server_tool,
    Unknown: _unknown,
}

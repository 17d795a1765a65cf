"""Content blocks of requests: from canonical ones, for one target."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable
from typing import Any

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    Block,
    BlocksSource,
    CacheMark,
    Document,
    FileSource,
    Image,
    Refusal,
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
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.arguments import arguments_object, parse_arguments, raw_input
from pointsman.dialects.anthropic.blocks import COMPACTION, SEARCH_RESULT
from pointsman.dialects.anthropic.citations import encode_citations
from pointsman.dialects.anthropic.crossing import Crossing, is_blank
from pointsman.dialects.anthropic.words import NAME
from pointsman.dialects.foreign import check_readable, laid_out

Wire = dict[str, Any]

_TTLS = ("5m", "1h")


def encode_blocks(blocks: Iterable[Block], path: str, crossing: Crossing) -> list[Wire]:
    """The blocks that reach the target. Raises UnsupportedError where a meaning would be lost."""
    wires = (encode_block(block, f"{path}[{number}]", crossing) for number, block in enumerate(blocks))
    return [wire for wire in wires if wire is not None]


def encode_block(block: Block, path: str, crossing: Crossing) -> Wire | None:
    """One block; None where it is left out, which is noted. Raises UnsupportedError."""
    wire = _ENCODE[type(block)](block, path, crossing)
    if wire is None:
        return None
    wire.update(encode_mark(getattr(block, "cache", None), path, crossing))
    extra: Json = getattr(block, "extra", {})
    if crossing.own:
        return {**laid_out(extra), **wire}
    if not isinstance(block, Thinking):  # what stands beside thinking there is the form of its envelope
        crossing.dropped_extra(extra, path)
    return wire


def encode_mark(mark: CacheMark | None, path: str, crossing: Crossing) -> Wire:
    """The member that says a cache breakpoint."""
    if mark is None:
        return {}
    if not crossing.marks:
        crossing.count_mark()
        return {}
    if crossing.own:
        ttl = {} if mark.ttl is None else {"ttl": mark.ttl}
        return {"cache_control": {"type": "ephemeral", **ttl, **mark.extra}}
    if mark.ttl is not None and mark.ttl not in _TTLS:
        crossing.approximated(f"{path}.cache_control", f"no lifetime of {mark.ttl}; the provider's default")
        return {"cache_control": {"type": "ephemeral"}}
    return {
        "cache_control": {"type": "ephemeral"} if mark.ttl is None else {"type": "ephemeral", "ttl": mark.ttl}
    }


def encode_content(block: ToolResult | BlocksSource, path: str, crossing: Crossing) -> Wire:
    """The `content` of a block that holds blocks, in the form in which it came."""
    if crossing.own and block.form == "absent":
        return {}
    only = block.content[0] if len(block.content) == 1 else None
    as_text = block.form == "text" if crossing.own else isinstance(only, Text) and only.cache is None
    if as_text and isinstance(only, Text):
        return {"content": only.text}
    wires = encode_blocks(block.content, path, crossing)
    return {"content": wires} if wires or crossing.own else {}


def _text(block: Text, path: str, crossing: Crossing) -> Wire | None:
    if is_blank(block.text) and not crossing.own:
        if block.cache is not None:
            crossing.dropped(f"{path}.cache_control", "its text block is empty, which the target refuses")
        return None
    citations = encode_citations(block.citations)
    if len(citations) < len(block.citations):
        crossing.dropped(f"{path}.citations", "citations of another dialect have no form here")
    return {"type": "text", "text": block.text, **({"citations": citations} if citations else {})}


def _refusal(block: Refusal, path: str, crossing: Crossing) -> Wire | None:
    crossing.approximated(path, "a refusal is sent as text")
    return None if is_blank(block.text) else {"type": "text", "text": block.text}


def _thinking(block: Thinking, path: str, crossing: Crossing) -> Wire | None:
    native = block.native
    if native is not None and native.dialect == NAME and native.issuer in ("", crossing.target.issuer):
        if block.redacted:
            return {"type": "redacted_thinking", **native.data}
        return {"type": "thinking", "thinking": block.text, **native.data}
    if crossing.traits.echo_reasoning != "none" and block.text:
        return {"type": "thinking", "thinking": block.text}
    crossing.dropped(path, "the target did not sign this thinking and would refuse it")
    return None


def _image(block: Image, path: str, crossing: Crossing) -> Wire:
    if not crossing.traits.images:
        raise UnsupportedError(f"the target takes no images; leave out: {path}", param=path)
    if block.detail not in (None, "auto"):
        crossing.dropped(f"{path}.detail", "the target chooses the resolution itself")
    return {"type": "image", "source": _source(_opened(block.source, crossing), path, crossing)}


def _document(block: Document, path: str, crossing: Crossing) -> Wire:
    if isinstance(block.source, BlocksSource) and block.source.form == COMPACTION:
        text = "".join(part.text for part in block.source.content if isinstance(part, Text))
        return {**block.source.extra, "type": COMPACTION, "content": text}
    if isinstance(block.source, BlocksSource) and block.source.form == SEARCH_RESULT:
        return _search_result(block, block.source, path, crossing)
    if not crossing.traits.documents:
        raise UnsupportedError(f"the target takes no documents; leave out: {path}", param=path)
    wire: Wire = {
        "type": "document",
        "source": _source(_document_source(block.source, path, crossing), path, crossing),
    }
    for key, value in (("title", block.title), ("context", block.context), ("citations", block.citations)):
        if value is not None:
            wire[key] = value
    return wire


def _search_result(block: Document, source: BlocksSource, path: str, crossing: Crossing) -> Wire:
    content = encode_blocks(source.content, f"{path}.content", crossing)
    wire: Wire = {"type": SEARCH_RESULT, **source.extra, "content": content}
    for key, value in (("title", block.title), ("citations", block.citations)):
        if value is not None:
            wire[key] = value
    return wire


def _audio(block: Audio, path: str, crossing: Crossing) -> Wire:
    raise UnsupportedError(f"the target takes no sound; leave out: {path}", param=path)


def _tool_use(block: ToolCall, path: str, crossing: Crossing) -> Wire:
    wire: Wire = {
        "type": "tool_use",
        "id": crossing.sent_id(block.id),
        "name": crossing.sent_name(block.name, block.kind),
    }
    if block.native is not None:
        crossing.dropped(f"{path}.native", "only the provider that issued it can read it")
    if block.kind == "custom":
        return {**wire, "input": {"input": block.arguments}}
    if crossing.own and block.form == "absent":
        return wire
    if crossing.own and block.form == "raw":
        return {**wire, "input": raw_input(block.arguments)}
    if not crossing.own and parse_arguments(block.arguments) is None:
        crossing.approximated(f"{path}.arguments", "no JSON object; the text is sent as one member")
    return {**wire, "input": arguments_object(block.arguments)}


def _tool_result(block: ToolResult, path: str, crossing: Crossing) -> Wire:
    wire: Wire = {"type": "tool_result", "tool_use_id": crossing.sent_id(block.call_id)}
    if block.is_error is not None:
        wire["is_error"] = block.is_error
    return {**wire, **encode_content(block, f"{path}.content", crossing)}


def _server_tool(block: ServerTool, path: str, crossing: Crossing) -> Wire | None:
    if block.native.dialect == NAME:
        return _without_mark(block.native.data, crossing)
    crossing.dropped(path, f"the target did not run this `{block.name}`")
    return None


def _unknown(block: Unknown, path: str, crossing: Crossing) -> Wire | None:
    if block.dialect == NAME:
        return _without_mark(block.data, crossing)
    check_readable(block)
    crossing.dropped(path, f"a block of type `{block.data.get('type')}` has no form here")
    return None


def _without_mark(wire: Json, crossing: Crossing) -> Wire:
    if crossing.marks or "cache_control" not in wire:
        return dict(wire)
    crossing.count_mark()
    return {key: value for key, value in wire.items() if key != "cache_control"}


_ENCODE: dict[type, Callable[[Any, str, Crossing], Wire | None]] = {
    Text: _text,
    Refusal: _refusal,
    Thinking: _thinking,
    Image: _image,
    Audio: _audio,
    Document: _document,
    ToolCall: _tool_use,
    ToolResult: _tool_result,
    ServerTool: _server_tool,
    Unknown: _unknown,
}


def _opened(source: Source, crossing: Crossing) -> Source:
    """A foreign source, a `data:` URL opened."""
    if crossing.own or not isinstance(source, UrlSource) or not source.url.startswith("data:"):
        return source
    head, _, data = source.url[5:].partition(",")
    return Base64Source(head.partition(";")[0], data) if head.endswith(";base64") else source


def _document_source(source: Source, path: str, crossing: Crossing) -> Source:
    """A foreign source as the API takes it: PDF as bytes, plain text as text. Raises UnsupportedError."""
    source = _opened(source, crossing)
    if crossing.own or not isinstance(source, Base64Source) or source.media_type == "application/pdf":
        return source
    if not source.media_type.startswith("text/"):
        why = "documents are PDF or text here; convert or leave out"
        raise UnsupportedError(
            f"a document of type {source.media_type} cannot be sent ({why}): {path}", param=path
        )
    try:
        return TextSource(b64decode(source.data, validate=True).decode())
    except (Base64Error, UnicodeDecodeError) as error:
        raise UnsupportedError(f"a text document is not base64 of UTF-8: {path}", param=path) from error


def _source(source: Source, path: str, crossing: Crossing) -> Wire:
    wire = _SOURCES[type(source)](source, path, crossing)
    return {**source.extra, **wire} if crossing.own else wire


def _base64_source(source: Base64Source, path: str, crossing: Crossing) -> Wire:
    return {"type": "base64", "media_type": source.media_type, "data": source.data}


def _url_source(source: UrlSource, path: str, crossing: Crossing) -> Wire:
    if not crossing.traits.image_urls:
        raise UnsupportedError(
            f"the target fetches no addresses; send the bytes in base64: {path}", param=path
        )
    return {"type": "url", "url": source.url}


def _file_source(source: FileSource, path: str, crossing: Crossing) -> Wire:
    if not crossing.own:
        why = "the file was uploaded to another provider; send its bytes in base64"
        raise UnsupportedError(f"the target has no file {source.id} ({why}): {path}", param=path)
    return {"type": "file", "file_id": source.id}


def _text_source(source: TextSource, path: str, crossing: Crossing) -> Wire:
    media_type = source.media_type if crossing.own else "text/plain"
    return {"type": "text", "media_type": media_type, "data": source.text}


def _blocks_source(source: BlocksSource, path: str, crossing: Crossing) -> Wire:
    return {"type": "content", **encode_content(source, f"{path}.source.content", crossing)}


_SOURCES: dict[type, Callable[[Any, str, Crossing], Wire]] = {
    Base64Source: _base64_source,
    UrlSource: _url_source,
    FileSource: _file_source,
    TextSource: _text_source,
    BlocksSource: _blocks_source,
}

"""Content blocks of requests: from canonical ones, for one target. A cache mark is a block of its own."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

from pointsman.canon.blocks import (
    SPELLING,
    Audio,
    Base64Source,
    Block,
    BlocksSource,
    CacheMark,
    Document,
    FileSource,
    Image,
    Native,
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
from pointsman.dialects.bedrock_converse.arguments import input_of, is_object
from pointsman.dialects.bedrock_converse.blocks import CITED, GUARD, SEARCH_RESULT
from pointsman.dialects.bedrock_converse.crossing import Crossing, is_blank
from pointsman.dialects.bedrock_converse.media import AUDIO, DOCUMENTS, IMAGES, encode_texts, own_source
from pointsman.dialects.bedrock_converse.words import NAME
from pointsman.dialects.foreign import check_readable

Wire = dict[str, Any]

_TTLS = (None, "5m", "1h")


def encode_blocks(blocks: Iterable[Block], path: str, crossing: Crossing) -> list[Wire]:
    """The blocks that reach the target, marks behind them. Raises UnsupportedError for a lost meaning."""
    wires: list[Wire] = []
    for number, block in enumerate(blocks):
        place = f"{path}[{number}]"
        wire = _encode(block, place, crossing)
        if wire is None:
            crossing.drop_mark(getattr(block, "cache", None))
            continue
        wires += [wire, *encode_mark(getattr(block, "cache", None), place, crossing)]
    return wires


def encode_mark(mark: CacheMark | None, path: str, crossing: Crossing) -> list[Wire]:
    """What says a cache breakpoint."""
    if mark is None:
        return []
    if not crossing.marks:
        crossing.drop_mark(mark)
        return []
    point: Wire = {"type": "default"} if mark.ttl is None else {"type": "default", "ttl": mark.ttl}
    if crossing.own:
        inner = {key: mark.extra[key] for key in mark.extra if key != SPELLING}
        return [{**mark.extra.get(SPELLING, {}), "cachePoint": {**inner, **point}}]
    if mark.ttl not in _TTLS:
        crossing.approximated(f"{path}.cache_control", f"no lifetime of {mark.ttl}; the provider's default")
        point = {"type": "default"}
    return [{"cachePoint": point}]


def wrapped(kind: str, members: Any, extra: Json) -> Wire:
    """A block of this dialect, with what was kept of it."""
    beside = {key: value for key, value in extra.items() if key not in (kind, SPELLING)}
    within: Json = extra.get(kind, {})
    return {**beside, kind: {**within, **members} if isinstance(members, dict) else members}


def own_native(native: Native | None, issuers: tuple[str, ...]) -> Json | None:
    """The opaque state, if it is this dialect's and the target has issued it."""
    if native is None or native.dialect != NAME or native.issuer not in issuers:
        return None
    return native.data


def _encode(block: Block, path: str, crossing: Crossing) -> Wire | None:
    if not crossing.own and not isinstance(block, Thinking):  # beside it stands the form of an envelope
        crossing.dropped_extra(getattr(block, "extra", {}), path)
    return _ENCODE[type(block)](block, path, crossing)


def _kept(block: Any, crossing: Crossing) -> Json:
    """What of a block is said again: nothing, if it came in another dialect."""
    return block.extra if crossing.own else {}


def _text(block: Text, path: str, crossing: Crossing) -> Wire | None:
    if not crossing.own:
        if block.citations:
            crossing.dropped(f"{path}.citations", "citations of another dialect have no form here")
        return None if is_blank(block.text) else {"text": block.text}
    return own_text(block)


def own_text(block: Text) -> Wire:
    """A text in the form in which it came."""
    spelled: Json = block.extra.get(SPELLING, {})
    if "json" in spelled:
        return wrapped("json", spelled["json"], block.extra)
    if GUARD in block.extra:
        beside = {key: value for key, value in block.extra.items() if key != GUARD}
        return {**beside, GUARD: {"text": {**block.extra[GUARD]["text"], "text": block.text}}}
    if block.citations or CITED in spelled:
        return _cited(block, spelled.get(CITED))
    return wrapped("text", block.text, block.extra)


def _cited(block: Text, spelled: Json | None) -> Wire:
    texts = [block.text] if spelled is None else spelled["content"]
    natives = [each.native for each in block.citations if each.native is not None]
    said: Wire = {"content": [{"text": text} for text in texts]}
    if spelled is None or spelled["cited"]:
        said["citations"] = [dict(native.data) for native in natives if native.dialect == NAME]
    return wrapped(CITED, said, block.extra)


def _refusal(block: Refusal, path: str, crossing: Crossing) -> Wire | None:
    crossing.approximated(path, "a refusal is sent as text")
    return None if is_blank(block.text) else {"text": block.text}


def _thinking(block: Thinking, path: str, crossing: Crossing) -> Wire | None:
    data = own_native(block.native, ("", crossing.target.issuer))
    if data is None and not crossing.own and (crossing.traits.echo_reasoning == "none" or not block.text):
        crossing.dropped(path, "the target did not sign this thinking and would refuse it")
        return None
    if data is None and block.native is not None:
        if not block.text:
            crossing.dropped(path, "it was signed elsewhere, and the target would refuse it")
            return None
        crossing.approximated(path, "it was signed elsewhere; sent without its signature")
    return encode_thinking(block, data or {}, _kept(block, crossing))


def encode_thinking(block: Thinking, data: Json, extra: Json) -> Wire:
    """A block of thinking with this opaque state."""
    if block.redacted:
        return wrapped("reasoningContent", dict(data), extra)
    within: Json = extra.get("reasoningContent", {})
    inner = {**within.get("reasoningText", {}), "text": block.text, **data}
    return wrapped("reasoningContent", {"reasoningText": inner}, extra)


def _image(block: Image, path: str, crossing: Crossing) -> Wire:
    if not crossing.traits.images:
        raise UnsupportedError(f"the target takes no images; leave out: {path}", param=path)
    if crossing.own:
        return own_image(block)
    if block.detail not in (None, "auto"):
        crossing.dropped(f"{path}.detail", "the target chooses the resolution itself")
    source = _opened(block.source, path)
    format = IMAGES.get(source.media_type)
    if format is None:
        why = "it takes PNG, JPEG, GIF and WebP; convert or leave out"
        raise UnsupportedError(
            f"the target takes no pictures of type {source.media_type} ({why})", param=path
        )
    return {"image": {"format": format, "source": {"bytes": source.data}}}


def own_image(block: Image) -> Wire:
    """A picture as it came."""
    spelled: Json = block.extra.get(SPELLING, {})
    wire = wrapped("image", {**spelled, "source": own_source(block.source)}, block.extra)
    return {GUARD: {"image": {key: wire["image"][key] for key in wire["image"]}}} if GUARD in wire else wire


def _document(block: Document, path: str, crossing: Crossing) -> Wire:
    if isinstance(block.source, BlocksSource) and block.source.form == SEARCH_RESULT:
        return _search_result(block, block.source, path, crossing)
    if not crossing.traits.documents:
        raise UnsupportedError(f"the target takes no documents; leave out: {path}", param=path)
    beside = {
        key: value
        for key, value in (("context", block.context), ("citations", block.citations))
        if value is not None
    }
    if crossing.own:
        spelled: Json = block.extra.get(SPELLING, {})
        named = {} if block.title is None else {"name": block.title}
        return wrapped(
            "document", {**spelled, **named, "source": own_source(block.source), **beside}, block.extra
        )
    name = crossing.document_name(block.title)
    if name != block.title:
        crossing.approximated(
            path, f"the target's documents have names of plain letters; it is called {name}"
        )
    source = _bytes_of(block.source, path, crossing)
    format = DOCUMENTS.get(source.media_type)
    if format is None:
        why = "convert to PDF or text, or leave out"
        raise UnsupportedError(
            f"the target takes no documents of type {source.media_type} ({why})", param=path
        )
    return {"document": {"format": format, "name": name, "source": {"bytes": source.data}, **beside}}


def _bytes_of(source: Source, path: str, crossing: Crossing) -> Base64Source:
    """A foreign document's bytes. Raises UnsupportedError where they are elsewhere."""
    if isinstance(source, TextSource):
        return Base64Source(source.media_type, b64encode(source.text.encode()).decode())
    if isinstance(source, BlocksSource):
        if any(not isinstance(block, Text) for block in source.content):
            raise UnsupportedError(f"the target's documents hold no pictures; leave out: {path}", param=path)
        crossing.approximated(path, "blocks of a document are sent as one text")
        text = "\n\n".join(block.text for block in source.content if isinstance(block, Text))
        return Base64Source("text/plain", b64encode(text.encode()).decode())
    return _opened(source, path)


def _opened(source: Source, path: str) -> Base64Source:
    """A foreign source's bytes, a `data:` URL opened. Raises UnsupportedError where they are elsewhere."""
    if isinstance(source, Base64Source):
        return source
    if isinstance(source, UrlSource) and source.url.startswith("data:"):
        head, _, data = source.url[5:].partition(",")
        if head.endswith(";base64"):
            return Base64Source(head.partition(";")[0], data)
    what = f"has no file {source.id}" if isinstance(source, FileSource) else "fetches no addresses"
    raise UnsupportedError(f"the target {what}; send the bytes in base64: {path}", param=path)


def _search_result(block: Document, source: BlocksSource, path: str, crossing: Crossing) -> Wire:
    members: Wire = {"source": source.extra.get("source", ""), "content": encode_texts(source.content)}
    for key, value in (("title", block.title), ("citations", block.citations)):
        if value is not None:
            members[key] = value
    if crossing.own:
        return wrapped("searchResult", members, block.extra)
    if any(not isinstance(each, Text) for each in source.content):
        raise UnsupportedError(f"a search result holds text alone at the target: {path}", param=path)
    members["content"] = [{"text": each.text} for each in source.content if isinstance(each, Text)]
    return {"searchResult": {"title": "", **members}}


def _audio(block: Audio, path: str, crossing: Crossing) -> Wire:
    if not crossing.traits.audio or block.format not in AUDIO:
        raise UnsupportedError(f"the target takes no sound of format {block.format}: {path}", param=path)
    members = {"format": block.format, "source": {"bytes": block.data}}
    return wrapped("audio", members, _kept(block, crossing))


def _tool_use(block: ToolCall, path: str, crossing: Crossing) -> Wire:
    members: Wire = {
        "toolUseId": crossing.sent_id(block.id),
        "name": crossing.sent_name(block.name, block.kind),
    }
    if block.native is not None and not crossing.own:
        crossing.dropped(f"{path}.native", "only the provider that issued it can read it")
    if block.kind == "custom":
        members["input"] = {"input": block.arguments}
    elif not (crossing.own and block.form == "absent"):
        members["input"] = input_of(block.arguments, own=crossing.own)
        if not crossing.own and not is_object(block.arguments):
            crossing.approximated(f"{path}.arguments", "no JSON object; the text is sent as one member")
    return wrapped("toolUse", members, _kept(block, crossing))


def _tool_result(block: ToolResult, path: str, crossing: Crossing) -> Wire:
    members: Wire = {"toolUseId": crossing.sent_id(block.call_id)}
    if block.is_error is not None:
        members["status"] = "error" if block.is_error else "success"
    content: list[Wire] = []
    for number, inner in enumerate(block.content):
        place = f"{path}.content[{number}]"
        wire = _encode(inner, place, crossing)
        content += [] if wire is None else [wire]
        mark = getattr(inner, "cache", None)
        if crossing.own:
            content += encode_mark(mark, place, crossing)
        else:
            crossing.drop_mark(mark)
    return wrapped("toolResult", {**members, "content": content}, _kept(block, crossing))


def _server_tool(block: ServerTool, path: str, crossing: Crossing) -> Wire | None:
    if block.native.dialect == NAME:
        return dict(block.native.data)
    crossing.dropped(path, f"the target did not run this `{block.name}`")
    return None


def _unknown(block: Unknown, path: str, crossing: Crossing) -> Wire | None:
    if block.dialect == NAME:
        return dict(block.data)
    check_readable(block)
    crossing.dropped(path, f"a block of type `{block.data.get('type')}` has no form here")
    return None


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

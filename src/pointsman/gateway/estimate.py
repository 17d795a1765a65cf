"""An estimate of a request's input tokens, by the kinds of its characters: linear, biased high.

The weights are such that no kind of text comes out lower than a tokenizer counts it: prose takes a token for
four characters or so (platform.claude.com/docs/en/about-claude/glossary#tokens), identifiers, digits and
signs up to one each. The test of this module has the counts that they were held against.
"""

from collections.abc import Iterable, Iterator

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
    ToolCall,
    ToolResult,
    Unknown,
)
from pointsman.canon.json import Json
from pointsman.canon.request import Request, Tool
from pointsman.wire.json import encode

BYTES_PER_TOKEN = 3
"""Of anything, roughly."""
REQUEST_TOKENS = 32
"""What a model's template adds by itself: its markers, and often a short prompt of its own."""
MESSAGE_TOKENS = 8
"""What the roles and separators around a message take."""
TOOL_TOKENS = 32
IMAGE_TOKENS = 1600
"""The most that Anthropic's page on vision gives for one picture of the usual size."""
BASE64_BYTES_PER_TOKEN = 12
"""For documents and sounds, whose content cannot be seen from outside."""
SYSTEM_TOKENS = 350
"""The provider's own prompt when tools are used."""
_WEIGHTS: tuple[tuple[bytes, float], ...] = (
    (bytes(range(ord("a"), ord("z") + 1)), 1 / 3),
    (bytes(range(ord("A"), ord("Z") + 1)), 1.0),
    (b"0123456789", 0.9),
    (bytes(each for each in range(33, 127) if not chr(each).isalnum()), 1.0),
    (bytes((*range(32), 127)), 0.9),
    (bytes(range(128, 256)), 0.72),
)
"""Tokens for each byte of a kind; blanks go with the word behind them."""


def estimate(request: Request) -> int:
    """Input tokens of a request: system, messages, images, documents, tools and the form of its answer."""
    pieces = list(_pieces(request))
    texts = "\n".join(piece for piece in pieces if isinstance(piece, str))
    return _of_text(texts) + sum(piece for piece in pieces if isinstance(piece, int))


def rough_estimate(request: Request) -> int:
    """The same by length alone, for a figure that stands until the backend's own is known."""
    return sum(
        len(piece) // BYTES_PER_TOKEN if isinstance(piece, str) else piece for piece in _pieces(request)
    )


def _of_text(text: str) -> int:
    data = text.encode("utf-8", "replace")
    return int(sum(weight * (len(data) - len(data.translate(None, kind))) for kind, weight in _WEIGHTS))


Piece = str | int
"""A text, or tokens that are known without one."""


def _pieces(request: Request) -> Iterator[Piece]:
    yield REQUEST_TOKENS
    for message in (*request.system, *request.messages):
        yield MESSAGE_TOKENS
        yield from _blocks(message.content)
    if request.tools:
        yield SYSTEM_TOKENS
        for tool in request.tools:
            yield from _tool(tool)
    if request.output_format is not None and request.output_format.schema:
        yield _json(request.output_format.schema)


def _json(value: Json) -> str:
    return encode(value).decode()


def _tool(tool: Tool) -> Iterator[Piece]:
    yield TOOL_TOKENS
    yield tool.name
    yield tool.description or ""
    for definition in (tool.schema, tool.grammar):
        if definition:
            yield _json(definition)


def _blocks(blocks: Iterable[Block]) -> Iterator[Piece]:
    for block in blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[Piece]:
    match block:
        case Text() | Refusal() | Thinking():
            yield block.text
        case Image():
            yield IMAGE_TOKENS
        case Audio():
            yield len(block.data) // BASE64_BYTES_PER_TOKEN
        case Document():
            yield from _document(block)
        case ToolCall():
            yield MESSAGE_TOKENS
            yield block.name
            yield block.arguments
        case ToolResult():
            yield MESSAGE_TOKENS
            yield from _blocks(block.content)
        case ServerTool():
            yield _json(block.native.data)
        case Unknown():
            yield _json(block.data)


def _document(document: Document) -> Iterator[Piece]:
    match document.source:
        case TextSource(text=text):
            yield text
        case Base64Source(data=data):
            yield len(data) // BASE64_BYTES_PER_TOKEN
        case BlocksSource(content=content):
            yield from _blocks(content)
        case _:
            yield IMAGE_TOKENS

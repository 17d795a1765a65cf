"""An estimate of a request's input tokens, from its length alone: linear, without a tokenizer, biased high.

The ratio stands on the safe side of the providers' own rule of thumb of four characters a token for English
prose (platform.claude.com/docs/en/about-claude/glossary#tokens): code, JSON and other scripts take more.
"""

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
from pointsman.canon.request import Message, Request, Tool
from pointsman.wire.json import encode

BYTES_PER_TOKEN = 3
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


def estimate(request: Request) -> int:
    """Input tokens of a request: system, messages, images, documents and tools."""
    total = REQUEST_TOKENS + sum(_message(message) for message in (*request.system, *request.messages))
    if request.tools:
        total += SYSTEM_TOKENS + sum(_tool(tool) for tool in request.tools)
    return total


def _text(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _message(message: Message) -> int:
    return MESSAGE_TOKENS + sum(_block(block) for block in message.content)


def _tool(tool: Tool) -> int:
    schema = len(encode(tool.schema)) // BYTES_PER_TOKEN if tool.schema else 0
    return TOOL_TOKENS + _text(tool.name) + _text(tool.description or "") + schema


def _block(block: Block) -> int:
    match block:
        case Text() | Refusal() | Thinking():
            return _text(block.text)
        case Image():
            return IMAGE_TOKENS
        case Audio():
            return len(block.data) // BASE64_BYTES_PER_TOKEN
        case Document():
            return _document(block)
        case ToolCall():
            return MESSAGE_TOKENS + _text(block.name) + _text(block.arguments)
        case ToolResult():
            return MESSAGE_TOKENS + sum(_block(part) for part in block.content)
        case ServerTool():
            return len(encode(block.native.data)) // BYTES_PER_TOKEN
        case Unknown():
            return len(encode(block.data)) // BYTES_PER_TOKEN


def _document(document: Document) -> int:
    match document.source:
        case TextSource(text=text):
            return _text(text)
        case Base64Source(data=data):
            return len(data) // BASE64_BYTES_PER_TOKEN
        case BlocksSource(content=content):
            return sum(_block(part) for part in content)
        case _:
            return IMAGE_TOKENS

"""Content blocks: what a message is made of, in requests and in answers alike."""

from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.canon.json import Json

SPELLING = "\udfff"
"""The member of an `extra` that holds odd spellings, for its own dialect; leaving it out loses nothing.

Half a surrogate pair, which no name in JSON keeps (`wire/json`): nobody can send a member that looks like it.
"""


class Native(Struct, frozen=True):
    """Opaque state that only its issuer can read: a signature, encrypted reasoning."""

    dialect: str
    """The dialect whose form `data` has."""
    issuer: str
    """The provider that issued it, as named by its row; empty when the client did not say."""
    data: Json
    """The wire fields as received, for example `{"signature": "…"}`."""


class CacheMark(Struct, frozen=True):
    """A prompt-cache breakpoint that the client set behind a block. Never invented, never moved."""

    ttl: str | None = None
    """Lifetime as the client spelled it (`5m`, `1h`); None for the provider's default."""
    extra: Json = {}


class Base64Source(Struct, frozen=True):
    """Bytes carried in the request itself."""

    media_type: str
    data: str
    """Base64 text, without a `data:` prefix."""
    extra: Json = {}


class UrlSource(Struct, frozen=True):
    """Bytes that the provider fetches from an address."""

    url: str
    extra: Json = {}


class FileSource(Struct, frozen=True):
    """A file that the client uploaded to the provider before."""

    id: str
    extra: Json = {}


class TextSource(Struct, frozen=True):
    """A plain-text document."""

    text: str
    media_type: str = "text/plain"
    extra: Json = {}


class BlocksSource(Struct, frozen=True):
    """A document given as content blocks."""

    content: "tuple[Block, ...]"
    form: str = ""
    extra: Json = {}


Source: TypeAlias = Base64Source | UrlSource | FileSource | TextSource | BlocksSource


class Citation(Struct, frozen=True):
    """Where a piece of an answer's text comes from."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    """First character in the answer's text that the citation covers, where the dialect says it."""
    end: int | None = None
    native: Native | None = None
    """The citation exactly as its dialect spelled it."""


class Text(Struct, frozen=True):
    """Plain text."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    extra: Json = {}
    """Wire fields that have no canonical place; re-emitted in the same dialect only."""


class Refusal(Struct, frozen=True):
    """Text in which the model declines."""

    text: str
    extra: Json = {}


class Thinking(Struct, frozen=True):
    """Reasoning. Redacted thinking has no text and only native data."""

    text: str
    native: Native | None = None
    redacted: bool = False
    cache: CacheMark | None = None
    extra: Json = {}
    form: str = ""
    """Which of the dialect's fields carried it."""


class Image(Struct, frozen=True):
    """A picture for the model."""

    source: Source
    detail: str | None = None
    cache: CacheMark | None = None
    extra: Json = {}


class Audio(Struct, frozen=True):
    """A sound for the model, base64-coded."""

    data: str
    format: str
    cache: CacheMark | None = None
    extra: Json = {}


class Document(Struct, frozen=True):
    """A document for the model (PDF, text, or blocks)."""

    source: Source
    title: str | None = None
    context: str | None = None
    citations: Json | None = None
    """The client's citation settings for this document, as sent."""
    cache: CacheMark | None = None
    extra: Json = {}


class ToolCall(Struct, frozen=True):
    """The model asks the client to run a tool."""

    id: str
    name: str
    arguments: str = ""
    """The arguments as text, as received; JSON for functions, free text for custom tools."""
    kind: Literal["function", "custom"] = "function"
    native: Native | None = None
    cache: CacheMark | None = None
    form: str = ""
    extra: Json = {}


class ToolResult(Struct, frozen=True):
    """The client's answer to a tool call."""

    call_id: str
    content: "tuple[Block, ...]" = ()
    is_error: bool | None = None
    cache: CacheMark | None = None
    form: str = ""
    """Which of the dialect's equivalent spellings was used (`text`, `blocks`, `absent`)."""
    extra: Json = {}


class ServerTool(Struct, frozen=True):
    """A tool that the provider runs: its call or its result. Never turned into a client tool."""

    part: Literal["call", "result"]
    id: str
    name: str
    native: Native
    """The block exactly as its dialect spelled it."""


class Unknown(Struct, frozen=True):
    """A block of a type that we do not know."""

    dialect: str
    data: Json


Block: TypeAlias = (
    Text | Refusal | Thinking | Image | Audio | Document | ToolCall | ToolResult | ServerTool | Unknown
)

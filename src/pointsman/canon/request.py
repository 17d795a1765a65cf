"""A request for a generation, in nobody's dialect."""

from typing import Literal

from msgspec import Struct

from pointsman.canon.blocks import Block, CacheMark
from pointsman.canon.json import Json

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(Struct, frozen=True):
    """One turn, or one part of a turn where the dialect splits turns."""

    role: Role
    content: tuple[Block, ...]
    name: str | None = None
    form: str = ""
    """Which of the dialect's equivalent spellings was used (`text`, `blocks`, `null`, `absent`)."""
    extra: Json = {}


class Tool(Struct, frozen=True):
    """A tool that the model may call."""

    name: str
    description: str | None = None
    schema: Json | None = None
    """JSON Schema of the arguments, exactly as received."""
    kind: Literal["function", "custom", "server"] = "function"
    strict: bool | None = None
    cache: CacheMark | None = None
    type: str | None = None
    """The wire type of a server or provider-defined tool (`web_search_20250305`)."""
    form: str = ""
    extra: Json = {}
    grammar: Json | None = None
    """What free text must be like: its `syntax` (`lark`, `regex`) and its `definition`."""
    client_run: bool = False
    """Whether the client runs a tool whose schema only its provider's models know (`bash_20250124`)."""


class ToolChoice(Struct, frozen=True):
    """Which tool the model must, may or must not use."""

    mode: Literal["auto", "any", "none", "tool", "allowed"]
    name: str | None = None
    """The tool, for `tool`."""
    kind: Literal["function", "custom"] = "function"
    names: tuple[str, ...] = ()
    """The tools, for `allowed`."""
    required: bool = False
    """For `allowed`: one of them must be called."""
    form: str = ""
    extra: Json = {}


class Reasoning(Struct, frozen=True):
    """How much the model should think before it answers."""

    mode: Literal["on", "off", "adaptive", "unset", "other"] = "unset"
    effort: str | None = None
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`, as sent."""
    budget: int | None = None
    """Tokens."""
    display: str | None = None
    native: Json | None = None
    """The whole thinking setting as sent, for mode `other`."""
    extra: Json = {}


class OutputFormat(Struct, frozen=True):
    """The form that the answer must have."""

    kind: Literal["text", "json_object", "json_schema", "other"]
    schema: Json | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    native: Json | None = None
    """The whole setting as sent, for kind `other`."""
    extra: Json = {}


class Request(Struct, frozen=True):
    """Everything a client asked for. None means that the client did not say."""

    dialect: str
    """The dialect in which it arrived; `extra` and `form` are re-emitted only there."""
    model: str
    messages: tuple[Message, ...]
    system: tuple[Message, ...] = ()
    """The instructions ahead of the conversation (roles `system` and `developer`), in order."""
    tools: tuple[Tool, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    choices: int | None = None
    """How many answers (`n`)."""
    reasoning: Reasoning | None = None
    output_format: OutputFormat | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    user: str | None = None
    """The end user's identifier for abuse detection."""
    metadata: Json | None = None
    """Labels, without `user`."""
    cache: CacheMark | None = None
    prompt_cache_key: str | None = None
    """What requests with the same beginning share, so that they reach the same cache."""
    call_form: str = ""
    """How its client reads tool calls, where the dialect has more than one way."""
    stream: bool | None = None
    include_usage: bool | None = None
    """Whether a stream must end with usage; None where the dialect always sends it."""
    form: Json = {}
    """Which of the dialect's equivalent spellings were used, by field."""
    extra: Json = {}
    """Fields without a canonical place, and known fields that were sent as null."""

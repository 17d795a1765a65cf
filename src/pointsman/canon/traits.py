"""What one model at one backend accepts, as data: the provider's row, the model family's profile on top."""

from typing import Literal

from msgspec import Struct

from pointsman.canon.json import Json

ReasoningStyle = Literal["effort", "thinking", "reasoning_object", "enable_thinking", "none"]
"""How a request asks for thinking: `reasoning_effort`; `thinking: {"type": "enabled"}` (Anthropic, DeepSeek,
Moonshot, Z.AI); OpenRouter's `reasoning: {effort, max_tokens}`; Qwen's `enable_thinking`; not at all."""


class Traits(Struct, frozen=True, forbid_unknown_fields=True):
    """The defaults are a server that follows its dialect to the letter."""

    # Limits
    context_window: int | None = None
    """Tokens of input and output together."""
    max_output: int | None = None
    """Tokens; also what is asked for where the dialect demands a limit and the client named none."""
    stop_limit: int | None = None
    """How many stop sequences it takes."""
    temperature_max: float | None = None
    tool_name_limit: int | None = None
    """Characters."""
    tool_name_charset: str | None = None
    """The inside of a regular expression's character class: `a-zA-Z0-9_-`."""
    tool_id_limit: int | None = None
    tool_id_charset: str | None = None

    # Fields and forms
    token_limit_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """The only field it takes for the limit; None where it takes what its dialect has."""
    stream_options: bool = True
    developer_role: bool = True
    """False: developer messages are sent as system messages."""
    mid_system: Literal["keep", "own", "user"] = "keep"
    """Where a system message in mid-conversation goes: kept in its place, or as a user's text. `own`: kept
    only if the client speaks the backend's dialect, and so knows what the model takes."""
    tool_choice: tuple[str, ...] = ("auto", "any", "none", "tool", "allowed")
    """The canonical modes that it takes."""
    parallel_tool_calls: bool = True
    """Whether it takes the switch."""
    strict_tools: bool = True
    custom_tools: bool | None = None
    """Whether it takes tools with free text; None: only from clients of its own dialect. Others are sent as
    functions with one string."""
    tool_namespaces: bool = True
    """Whether it takes groups of tools, where its dialect has them; else each goes by a name of its own."""
    output_formats: tuple[str, ...] = ("json_object", "json_schema")
    schema_subset: Literal["full", "openapi", "plain", "grammar"] = "full"
    """Which JSON Schema it takes: all; OpenAPI 3.0's; without `$ref`, combinators and formats; all for tools,
    and closed objects without bounds for answers and strict tools."""
    images: bool = True
    image_urls: bool = True
    documents: bool = True
    audio: bool = True
    result_media: bool = True
    """Whether pictures and documents may stand within a tool's result, where the dialect has them there."""
    tools: bool = True
    top_k: bool = False
    """Whether it takes `top_k` where its dialect has no such field."""
    user_field: Literal["user", "safety_identifier", "none"] = "user"
    metadata: bool = True
    service_tiers: tuple[str, ...] | None = None
    """The tiers it takes, in its own words; None: any."""
    cache_marks: Literal["none", "cache_control", "prompt_cache_breakpoint"] = "none"
    """How its messages mark a cache breakpoint, where its dialect leaves that open."""
    prompt_cache_key: bool = False
    """Whether it is known to take the key from clients of other dialects; its own may always try."""
    refused_fields: tuple[str, ...] = ()
    """Canonical request fields (`temperature`, `seed`, …) that it answers with an error; dropped."""
    extra_fields: Json = {}
    """Fields that it needs in every translated request."""
    streams_only: bool = False
    """Whether it refuses requests that do not ask for a stream."""
    text_input: bool = True
    """Whether the Responses API's input may be a plain text."""
    system_items: bool = True
    """Whether that input may hold messages of the system; else they are sent as the developer's."""
    lone_tools: bool = True
    """Whether that API's `tools` may hold functions outside of namespaces; else they go along as an item."""

    # Reasoning
    reasoning: ReasoningStyle = "effort"
    efforts: tuple[str, ...] | None = None
    """The efforts it takes, lowest first; None: any."""
    effort_with_tools: Literal["any", "none", "absent"] = "any"
    """Which effort it takes beside function tools: any; only the word `none`; only none at all."""
    thinking_modes: tuple[str, ...] = ("on", "off", "adaptive")
    """The canonical `Reasoning.mode`s it takes."""
    thinking_off: Literal["disabled", "between_tools"] = "disabled"
    """The `type` of a `thinking` object that turns it off, where `off` stands in `thinking_modes`."""
    effort_budgets: Json = {}
    """Thinking tokens by effort, for approximating one by the other."""
    echo_reasoning: Literal["none", "tool_calls", "all"] = "none"
    """Which past assistant turns must carry their reasoning back to it."""
    reasoning_field: Literal["reasoning_content", "reasoning", "reasoning_details"] = "reasoning_content"
    """The field in which a past turn's reasoning is sent back."""
    unsigned_call: str | None = None
    """What its provider documents as the stand-in for opaque state, for a call that another model made;
    None: nothing."""
    refused_reasoning: tuple[str, ...] = ()
    """The fields of a past turn's reasoning (as in `reasoning_field`) that it answers with an error."""


class Target(Struct, frozen=True):
    """Whom a request is encoded for."""

    model: str
    """The model's name as the upstream knows it."""
    issuer: str
    """The provider whose opaque state may be replayed here."""
    traits: Traits = Traits()

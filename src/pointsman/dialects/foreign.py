"""Fields without a canonical place that reach an encoder of another dialect: dropped and noted, or refused.

A field is refused where going on without it would answer another question than the client asked.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

from msgspec import Struct

from pointsman.canon.blocks import SPELLING, Unknown
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss


class _Rule(Struct, frozen=True):
    why: str
    means: Callable[[Any], bool] = bool
    """Whether the value asks for something at all."""
    details: Json | None = None


def _more_than_text(value: Any) -> bool:
    return bool(value) and value != ["TEXT"]


def _has_audio(value: Any) -> bool:
    return isinstance(value, list) and "audio" in value


_THREAD = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""Anthropic's clients read this and send the whole history again (anthropic SDK, `tool_runner`)."""

REFUSED: dict[str, _Rule] = {
    "thread": _Rule(
        "the history is kept by the provider, and this request holds only a part of it", details=_THREAD
    ),
    "previous_response_id": _Rule(
        "the history is kept by the provider, and this request holds only a part of it"
    ),
    "conversation": _Rule("the history is kept by the provider, and this request holds only a part of it"),
    "prompt": _Rule("the prompt's text is kept by the provider"),
    "mcp_servers": _Rule("the target runs no MCP servers"),
    "container": _Rule("the target runs no code"),
    "web_search_options": _Rule("the target does not search the web", means=lambda value: value is not None),
    "audio": _Rule("the target does not speak"),
    "modalities": _Rule("the target does not speak", means=_has_audio),
    "logprobs": _Rule("the target reports no probabilities"),
    "top_logprobs": _Rule("the target reports no probabilities"),
    "tool_choice": _Rule("the target has no such choice among tools"),
    "background": _Rule("the target answers at once or not at all"),
    "moderation": _Rule("the target judges no content on request"),
    "cachedContent": _Rule("the provider keeps what the request only names"),
    "continuationToken": _Rule("the provider keeps the answer that is to be gone on with"),
    "generationConfig.responseModalities": _Rule("the target answers in text", means=_more_than_text),
    "generationConfig.speechConfig": _Rule("the target does not speak"),
    "generationConfig.responseFormat": _Rule("the target has no such form of answers"),
    "generationConfig.responseLogprobs": _Rule("the target reports no probabilities"),
    "inference_geo": _Rule(
        "the target does not promise where it runs", means=lambda value: value not in (None, "global")
    ),
}

_NEUTRAL: dict[str, Any] = {
    "modalities": ["text"],
    "speed": "standard",
    "inference_geo": "global",
    "generationConfig.responseModalities": ["TEXT"],
    "truncation": "disabled",
}
"""Values that ask for what every target does."""


TOOL_ERROR = "[tool error] "
"""Stands before the text of a tool's result that reports an error, where the dialect has no field for it."""

_KEPT_ELSEWHERE = {
    "item_reference": "it stands for something that the provider keeps; send the item itself",
    "mcp_approval_response": "it lets the provider run a call; leave it out",
    "compaction": "only its provider can read the conversation in it; send the conversation itself",
}
"""Blocks without which a conversation is another one, and what to do instead."""


def check_readable(block: Unknown) -> None:
    """Raises UnsupportedError for a block that stands for more than it says."""
    # A bare id refers to an item; parts of other APIs have neither a type nor an id.
    kind = str(block.data.get("type") or ("item_reference" if "id" in block.data else ""))
    opaque = kind != "compaction" or block.data.get("encrypted_content") is not None
    if kind in _KEPT_ELSEWHERE and opaque:
        raise UnsupportedError(
            f"`{kind}` cannot be sent to this target: {_KEPT_ELSEWHERE[kind]}, or choose a backend that "
            "speaks the dialect of the request",
            param=kind,
        )


def says_nothing(value: Any) -> bool:
    """Whether a field with this value asks for nothing, whatever its name."""
    return value is None or value is False or value in ("", [], {})


_PARTS = frozenset(
    {"output_config", "response_format", "json_schema", "function", "custom", "message"}
    | {"generationConfig", "toolConfig", "functionCallingConfig"}
    | {"image_url", "input_audio", "file"}
)
"""Members that an encoder says; of those that are left of them, each is lost by itself."""


def unsaid(extra: Json) -> Iterator[str]:
    """The names of what another dialect does not say again."""
    for name, value in extra.items():
        if name == SPELLING or says_nothing(value):
            continue
        if name in _PARTS and isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in unsaid(cast("Json", value)))
        else:
            yield name


def laid_out(extra: Json) -> dict[str, Any]:
    """The members that a dialect says again of its own, odd spellings last."""
    if SPELLING not in extra:
        return dict(extra)
    return {**{name: extra[name] for name in extra if name != SPELLING}, **extra[SPELLING]}


def check_foreign(extra: Json) -> None:
    """Raises UnsupportedError for a field that the answer depends on."""
    for name, rule in REFUSED.items():
        if rule.means(_found(extra, name)):
            raise UnsupportedError(
                f"`{name}` cannot be sent to this target: {rule.why}; leave it out, or choose a backend that "
                "speaks the dialect of the request",
                param=name,
                details=rule.details,
            )


def foreign_losses(extra: Json) -> tuple[Loss, ...]:
    """What is lost with these fields. Raises UnsupportedError for one that the answer depends on."""
    check_foreign(extra)
    lost = [name for name in unsaid(extra) if name not in _NEUTRAL or _found(extra, name) != _NEUTRAL[name]]
    return tuple([Loss("dropped", name, "the target has no such field") for name in lost])


def _found(extra: Json, name: str) -> Any:
    """The value of a field, or of one within a field: `outer.inner`."""
    outer, dot, inner = name.partition(".")
    value = extra.get(outer)
    if not dot:
        return value
    return cast("Json", value).get(inner) if isinstance(value, dict) else None

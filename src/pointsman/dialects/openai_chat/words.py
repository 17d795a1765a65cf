"""The dialect's own words: its name, and what its fields are called in canonical terms."""

from collections.abc import Container
from typing import Any

from pointsman.canon.blocks import SPELLING
from pointsman.canon.events import StopReason
from pointsman.canon.json import Json
from pointsman.wire.json import encode

NAME = "openai_chat"

NAME_LIMIT = 64
"""Characters of a tool's name (platform.openai.com, "Create chat completion")."""
NAME_CHARSET = "a-zA-Z0-9_-"
"""What tool names may hold."""

BROKEN_OFF = "insufficient_system_resource"
"""The `finish_reason` of an answer that DeepSeek gave up (its "Create chat completion")."""

REASONS: dict[str, StopReason] = {
    "stop": "end",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "model_length": "context_window",
    "end_turn": "end",
    "eos": "end",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "safety": "refusal",
    BROKEN_OFF: "other",
}
"""What upstreams say in `finish_reason`, compatible servers included (DeepSeek, Mistral, Together)."""

FINISHES: dict[StopReason, str] = {
    "end": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "pause": "stop",
    "refusal": "content_filter",
    "context_window": "length",
    "other": "stop",
}
"""What this dialect's clients are told."""


def unlike(original: Json, rebuilt: Json) -> dict[str, Any]:
    """The members of `original` that `rebuilt` does not say in the very same way.

    Laid over `rebuilt`, they give `original` back: so odd spellings cost one field instead of one form each.
    """
    return {
        key: value for key, value in original.items() if key not in rebuilt or not _same(rebuilt[key], value)
    }


def apart(original: Json, rebuilt: Json, known: Container[str] = ()) -> dict[str, Any]:
    """The same as an `extra`: what `rebuilt` or `known` names is an odd spelling, the rest is unknown."""
    extra: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for key, value in unlike(original, rebuilt).items():
        (odd if key in rebuilt or key in known else extra)[key] = value
    return {**extra, SPELLING: odd} if odd else extra


def _same(one: Any, other: Any) -> bool:
    """Whether both are the same JSON; in Python 1, 1.0 and True are equal."""
    if one is other:
        return True
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one == other and encode(one) == encode(other)

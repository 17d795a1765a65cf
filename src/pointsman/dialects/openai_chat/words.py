"""The dialect's own words: its name, and what its fields are called in canonical terms."""

from pointsman.canon.events import StopReason

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

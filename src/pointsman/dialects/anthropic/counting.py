"""Counting tokens in Anthropic's dialect: what the request for it takes, and where the answer has the count.

Source: https://platform.claude.com/docs/en/api/messages-count-tokens.
"""

from pointsman.canon.json import Json

_COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
    | {"mcp_servers", "speed"}
)
"""The members that it takes; it answers any other with an error."""


def count_request(body: Json, model: str) -> Json:
    """What of a request for an answer counts."""
    return {name: value for name, value in body.items() if name in _COUNTED}


def count_answer(tokens: int) -> Json:
    """A count as a client reads it."""
    return {"input_tokens": tokens}


def read_count(answer: Json) -> int | None:
    """The count in an answer."""
    tokens = answer.get("input_tokens")
    return tokens if isinstance(tokens, int) else None

"""Counting tokens: `/responses/input_tokens` (developers.openai.com, "Get input token counts")."""

from pointsman.canon.json import Json

_COUNTED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"}
    | {"truncation", "conversation", "previous_response_id"}
)
"""The members that it takes (openai-python, types/responses/input_token_count_params.py)."""


def count_request(body: Json, model: str) -> Json:
    """What of a request for an answer counts."""
    return {name: value for name, value in body.items() if name in _COUNTED}


def count_answer(tokens: int) -> Json:
    """A count as a client reads it."""
    return {"object": "response.input_tokens", "input_tokens": tokens}


def read_count(answer: Json) -> int | None:
    """The count in an answer."""
    tokens = answer.get("input_tokens")
    return tokens if isinstance(tokens, int) else None

"""What the members of a request are (developers.openai.com, "Create a model response")."""

from collections.abc import Mapping

from pointsman.canon.intent import Operation

_MEMBERS: Mapping[str, str] = {
    "background": "boolean",
    "conversation": "string|object",
    "include": "strings",
    "input": "string|objects",
    "instructions": "string",
    "max_output_tokens": "integer",
    "max_tool_calls": "integer",
    "metadata": "object",
    "parallel_tool_calls": "boolean",
    "previous_response_id": "string",
    "prompt": "object",
    "prompt_cache_key": "string",
    "reasoning": "object",
    "safety_identifier": "string",
    "service_tier": "string",
    "store": "boolean",
    "stream_options": "object",
    "temperature": "number",
    "text": "object",
    "tool_choice": "string|object",
    "tools": "objects",
    "top_logprobs": "integer",
    "top_p": "number",
    "truncation": "string",
    "user": "string",
}
KINDS: Mapping[Operation, Mapping[str, str]] = {"generate": _MEMBERS, "count_tokens": _MEMBERS}

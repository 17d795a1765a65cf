"""What the members of a request are, and who speaks in its messages (platform.openai.com, "Create
chat completion"), with the roles that compatible servers document beside those."""

from collections.abc import Mapping

ROLES = (
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
    # platform.minimax.io, "Text chat".
    "user_system",
    "group",
    "sample_message_user",
    "sample_message_ai",
    # platform.moonshot.ai, "Context caching".
    "cache",
)
KINDS: Mapping[str, str] = {
    "audio": "object",
    "frequency_penalty": "number",
    "function_call": "string|object",
    "functions": "array",
    "logit_bias": "object",
    "max_completion_tokens": "integer",
    "max_tokens": "integer",
    "metadata": "object",
    "modalities": "array",
    "n": "integer",
    "parallel_tool_calls": "boolean",
    "presence_penalty": "number",
    "reasoning_effort": "string",
    "response_format": "object",
    "seed": "integer",
    "service_tier": "string",
    "stop": "string|array",
    "stream_options": "object",
    "temperature": "number",
    "tool_choice": "string|object",
    "tools": "array",
    "top_logprobs": "integer",
    "top_p": "number",
}

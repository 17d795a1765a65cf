"""What the members of a request are, and who speaks in its messages (platform.openai.com, "Create
chat completion"), with the roles that compatible servers document beside those."""

from collections.abc import Mapping

from pointsman.canon.intent import Operation

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
_GENERATE: Mapping[str, str] = {
    "audio": "object",
    "frequency_penalty": "number",
    "function_call": "string|object",
    "functions": "objects",
    "logit_bias": "object",
    "max_completion_tokens": "integer",
    "max_tokens": "integer",
    "metadata": "object",
    "modalities": "strings",
    "n": "integer",
    "parallel_tool_calls": "boolean",
    "presence_penalty": "number",
    "reasoning_effort": "string",
    "response_format": "object",
    "seed": "integer",
    "service_tier": "string",
    "stop": "string|strings",
    "stream_options": "object",
    "temperature": "number",
    "tool_choice": "string|object",
    "tools": "objects",
    "top_logprobs": "integer",
    "top_p": "number",
    "user": "string",
}
_COMPLETIONS: Mapping[str, str] = {
    "best_of": "integer",
    "echo": "boolean",
    "logit_bias": "object",
    "max_tokens": "integer",
    "n": "integer",
    "prompt": "string|array",
    "stop": "string|strings",
    "stream_options": "object",
    "temperature": "number",
    "top_p": "number",
}
KINDS: Mapping[Operation, Mapping[str, str]] = {
    "generate": _GENERATE,
    "completions": _COMPLETIONS,
    "embeddings": {"dimensions": "integer", "encoding_format": "string", "input": "string|array"},
}

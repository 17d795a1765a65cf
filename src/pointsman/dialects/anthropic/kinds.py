"""What the members of a request are, and who speaks in its messages (platform.claude.com, "Messages"),
with the roles that compatible servers document beside those."""

from collections.abc import Mapping

ROLES = (
    "user",
    "assistant",
    "system",
    # platform.minimax.io, "Text chat (Anthropic compatible)".
    "user_system",
    "group",
    "sample_message_user",
    "sample_message_ai",
)
KINDS: Mapping[str, str] = {
    "context_management": "object",
    "max_tokens": "integer",
    "mcp_servers": "array",
    "metadata": "object",
    "output_config": "object",
    "service_tier": "string",
    "stop_sequences": "array",
    "system": "string|array",
    "temperature": "number",
    "thinking": "object",
    "tool_choice": "object",
    "tools": "array",
    "top_k": "integer",
    "top_p": "number",
}

"""What the members of a request are, and who speaks in its messages (platform.claude.com, "Messages"),
with the roles that compatible servers document beside those."""

from collections.abc import Mapping

from pointsman.canon.intent import Operation

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
_MESSAGES: Mapping[str, str] = {
    "context_management": "object",
    "max_tokens": "integer",
    "mcp_servers": "objects",
    "metadata": "object",
    "output_config": "object",
    "service_tier": "string",
    "stop_sequences": "strings",
    "system": "string|objects",
    "temperature": "number",
    "thinking": "object",
    "tool_choice": "object",
    "tools": "objects",
    "top_k": "integer",
    "top_p": "number",
}
KINDS: Mapping[Operation, Mapping[str, str]] = {"generate": _MESSAGES, "count_tokens": _MESSAGES}

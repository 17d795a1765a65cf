"""The dialect's own words: its name, and what its values are called in canonical terms."""

from pointsman.canon.events import StopReason

NAME = "openai_responses"

NAME_LIMIT = 64
"""Characters of a tool's name (developers.openai.com, "Function calling")."""
NAME_CHARSET = "a-zA-Z0-9_-"
"""What tool names may hold."""

INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "refusal",
    "max_messages": "pause",
    "steered": "other",
}
"""`incomplete_details.reason` (openai-python, `types/responses/response.py`)."""

REASONS: dict[StopReason, str] = {
    "max_tokens": "max_output_tokens",
    "context_window": "max_output_tokens",
    "refusal": "content_filter",
}
"""Reasons for which an answer is incomplete; for all others it is complete."""

OUTPUT_TEXT = "output_text"
INPUT_TEXT = "input_text"
ENCRYPTED = "reasoning.encrypted_content"
"""What a request includes to get reasoning that it can send back."""

CLIENT_CALLS = frozenset({"local_shell_call", "shell_call", "apply_patch_call", "computer_call"})
"""Calls of built-in tools that the client runs (developers.openai.com, "Using tools")."""
CLIENT_OUTPUTS = frozenset(f"{call}_output" for call in CLIENT_CALLS)
"""The items that answer them."""
CLIENT_TOOLS = frozenset({"local_shell", "apply_patch", "computer", "computer_use_preview"})
"""Those tools; `shell` is another unless a container runs it."""

HOSTED_CALLS = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"}
    | {"mcp_call", "mcp_list_tools", "mcp_approval_request", "tool_search_call", "program"}
)
"""What the provider runs, or asks about before it does."""
APPROVAL = "mcp_approval_response"
HOSTED_RESULTS = frozenset({APPROVAL, "tool_search_output", "program_output"})


def hosted_name(kind: str) -> str:
    """The tool that an item of this type belongs to."""
    return kind.removesuffix("_call").removesuffix("_output")

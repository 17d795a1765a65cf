"""Fields without a canonical place, on their way to an upstream."""

from pointsman.canon.errors import UnsupportedError
from pointsman.dialects.openai_chat.draft import Draft

_NEEDED = {
    "thread": "thread_unsupported_request",
    "container": "container_unsupported_request",
    "mcp_servers": "mcp_unsupported_request",
    "previous_response_id": "previous_response_unsupported_request",
    "conversation": "conversation_unsupported_request",
    "background": "background_unsupported_request",
    "prompt": "prompt_unsupported_request",
    "cachedContent": "cached_content_unsupported_request",
}
"""Fields of other dialects without which the request means something else → `details.error_code`."""


def put_extra(draft: Draft) -> None:
    """The unknown fields of this dialect, and what the target needs. Raises UnsupportedError."""
    if draft.own:
        draft.body |= draft.request.extra
    else:
        _report(draft)
    draft.body |= draft.traits.extra_fields


def _report(draft: Draft) -> None:
    for key, value in draft.request.extra.items():
        if value is None or value is False or value in ([], {}):
            continue
        if key in _NEEDED:
            raise UnsupportedError(
                f"`{key}` needs a backend that speaks the dialect it belongs to, which {draft.target.model} "
                "does not; leave it out, or choose another model",
                param=key,
                details={"error_code": _NEEDED[key], "unsupported": [key]},
            )
        draft.dropped(key, "this dialect has no such field")

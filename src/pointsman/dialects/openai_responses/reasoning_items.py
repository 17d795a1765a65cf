"""Reasoning items: to thinking and back.

The text is that of the summary and of the content, part by part. The whole item is the native data where it
has encrypted content, because it goes back as it came.
"""

from typing import Any, cast

from pointsman.canon.blocks import Native, Thinking
from pointsman.canon.json import Json
from pointsman.dialects.openai_responses.state import Opened, open_envelope, seal_thinking
from pointsman.dialects.openai_responses.words import NAME

APART = "\n\n"
"""Stands between two parts of a summary."""
_KNOWN = frozenset({"type", "id", "status", "summary", "content", "encrypted_content"})


def decode_reasoning(item: Json, issuer: str) -> Thinking | Opened:
    """The thinking in an item; what was opened where it holds the state of a call."""
    extra = {key: value for key, value in item.items() if key not in _KNOWN}
    text = reasoning_text(item)
    opened = open_envelope(item.get("encrypted_content"))
    if opened is None:
        return Thinking(text, native_of(item, issuer), extra=extra)
    if opened.call_id is not None:
        return opened
    return Thinking(text, opened.native, opened.redacted, extra=extra)


def native_of(item: Json, issuer: str) -> Native | None:
    """The item as opaque state of this dialect; None where it holds none."""
    encrypted = item.get("encrypted_content")
    if not isinstance(encrypted, str) or not encrypted:
        return None
    return Native(NAME, issuer, {key: value for key, value in item.items() if key != "status"})


def reasoning_text(item: Json) -> str:
    """What an item says, its parts apart."""
    parts = [*texts_in(item.get("summary")), *texts_in(item.get("content"))]
    return APART.join(text for text in parts if text)


def texts_in(parts: object) -> list[str]:
    """The texts of an item's parts."""
    found = cast("list[Any]", parts) if isinstance(parts, list) else []
    objects = [cast("Json", part) for part in found if isinstance(part, dict)]
    return [part["text"] for part in objects if isinstance(part.get("text"), str)]


def summary_part(text: str) -> dict[str, Any]:
    """A part of a summary."""
    return {"type": "summary_text", "text": text}


def encode_reasoning(block: Thinking, id: str) -> dict[str, Any]:
    """The whole item for a client."""
    if block.native is not None and block.native.dialect == NAME:
        return dict(block.native.data)
    return {
        "type": "reasoning",
        "id": id,
        "summary": [summary_part(block.text)] if block.text else [],
        "encrypted_content": seal_thinking(block.native, redacted=block.redacted),
    }

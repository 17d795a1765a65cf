"""Citations of text blocks: to canonical ones and back. Only its own form can be sent here."""

from collections.abc import Sequence
from typing import Any

from pointsman.canon.blocks import Citation, Native
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.words import NAME


def decode_citation(wire: Json, issuer: str = "") -> Citation:
    """One citation; what it says stays whole in its native data."""
    return Citation(
        url=_text(wire.get("url")),
        title=_text(wire.get("title")) or _text(wire.get("document_title")),
        cited_text=_text(wire.get("cited_text")),
        native=Native(NAME, issuer, wire),
    )


def encode_citation(citation: Citation) -> dict[str, Any] | None:
    """The citation as its dialect spelled it; None for one that came in another dialect.

    A web citation cannot be made up: it needs an `encrypted_index` that only the provider issues.
    """
    if citation.native is None or citation.native.dialect != NAME:
        return None
    return dict(citation.native.data)


def encode_citations(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    """Those that can be sent."""
    return [wire for wire in map(encode_citation, citations) if wire is not None]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

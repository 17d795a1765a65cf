"""Annotations of texts: to citations and back. What one says stays whole in its native data."""

from typing import Any, cast

from pointsman.canon.blocks import Citation, Native
from pointsman.canon.json import Json
from pointsman.dialects.openai_responses.words import NAME


def decode_annotations(value: object, issuer: str) -> tuple[Citation, ...]:
    """The citations of a part; what is no object among them is passed over."""
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return tuple(decode_annotation(cast("Json", each), issuer) for each in found if isinstance(each, dict))


def decode_annotation(annotation: Json, issuer: str) -> Citation:
    """One annotation."""
    start, end = annotation.get("start_index"), annotation.get("end_index")
    return Citation(
        url=_text(annotation.get("url")),
        title=_text(annotation.get("title")) or _text(annotation.get("filename")),
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
        native=Native(NAME, issuer, annotation),
    )


def encode_annotation(citation: Citation, end: int) -> dict[str, Any] | None:
    """The annotation for a citation of a text of `end` characters; None for one without an address."""
    if citation.native is not None and citation.native.dialect == NAME:
        return dict(citation.native.data)
    if citation.url is None:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or citation.url,
        "start_index": 0 if citation.start is None else citation.start,
        "end_index": end if citation.end is None else citation.end,
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

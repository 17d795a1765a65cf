"""Where an answer comes from: `groundingMetadata` and `citationMetadata`, to citations and back.

A support covers a segment, measured in bytes of UTF-8 within its part; citations here count characters
(ai.google.dev, "Grounding with Google Search").
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from pointsman.canon.blocks import Citation, Native
from pointsman.canon.json import Json
from pointsman.dialects.gemini.words import NAME

GROUNDING = "groundingMetadata"
CITATIONS = "citationMetadata"


def decode_grounding(candidate: Json, text: str, issuer: str) -> list[Citation]:
    """The citations of a candidate whose last text is `text`."""
    found = [*_supports(_object(candidate.get(GROUNDING))), *_sources(_object(candidate.get(CITATIONS)))]
    places = _characters(text, [offset for support in found for offset in _range(support)])
    return [_citation(support, places, issuer) for support in found]


def is_all_told(metadata: object) -> bool:
    """Whether citations say all of it."""
    found = _object(metadata)
    sources = [each for key in ("groundingSupports", "citations") for each in _objects(found.get(key))]
    chunks = _objects(found.get("groundingChunks"))
    webs = all(set(each) == {"web"} and _object(each["web"]).keys() <= _WEB for each in chunks)
    return bool(sources) and webs and found.keys() <= _LISTS and all(each.keys() <= _TOLD for each in sources)


_LISTS = frozenset({"groundingSupports", "groundingChunks", "citations"})
_WEB = frozenset({"uri", "title"})
_TOLD = frozenset({"segment", "groundingChunkIndices", "uri", "title", "startIndex", "endIndex"})
"""What citations hold of a source."""


def _supports(grounding: Json) -> Iterator[Json]:
    """Each address that supports a segment, with the segment."""
    chunks = _objects(grounding.get("groundingChunks"))
    for support in _objects(grounding.get("groundingSupports")):
        segment = _object(support.get("segment"))
        indices = support.get("groundingChunkIndices")
        for index in cast("list[Any]", indices) if isinstance(indices, list) else []:
            if isinstance(index, int) and 0 <= index < len(chunks):
                source = _object(next(iter(chunks[index].values()), None))
                yield {**segment, "uri": source.get("uri"), "title": source.get("title")}


def _sources(metadata: Json) -> Iterator[Json]:
    """Each source that the model quoted at length."""
    for source in _objects(metadata.get("citations", metadata.get("citationSources"))):
        yield {key: source.get(key) for key in ("uri", "title", "startIndex", "endIndex")}


def _citation(support: Json, places: dict[int, int], issuer: str) -> Citation:
    start, end = _range(support)
    text = support.get("text")
    return Citation(
        url=_text(support.get("uri")),
        title=_text(support.get("title")),
        cited_text=_text(text),
        start=places.get(start),
        end=places.get(end),
        native=Native(NAME, issuer, support),
    )


def _range(support: Json) -> tuple[int, int]:
    start, end = support.get("startIndex"), support.get("endIndex")
    return (start if isinstance(start, int) else 0), (end if isinstance(end, int) else -1)


def _characters(text: str, offsets: Sequence[int]) -> dict[int, int]:
    """Offsets in bytes → offsets in characters, those within the text; every byte is looked at once."""
    data = text.encode("utf-8", "replace")
    places: dict[int, int] = {}
    done = counted = 0
    for offset in sorted(set(offsets)):
        if 0 <= offset <= len(data):
            counted += len(data[done:offset].decode("utf-8", "ignore"))
            done, places[offset] = offset, counted
    return places


class Cited:
    """The citations of an answer of another dialect, for a client: told with its last piece."""

    def __init__(self) -> None:
        self._chunks: dict[str, int] = {}
        self._webs: list[Json] = []
        self._supports: list[Json] = []

    def add(self, citations: Sequence[Citation], said: str) -> None:
        """Those of a text, once it is whole; a segment's text is the answer's own, not the source's."""
        told = [each for each in citations if each.url is not None]
        offsets = [end for each in told for end in _segment(each, said)]
        places = _byte_offsets(said, offsets)
        for citation in told:
            first, last = _segment(citation, said)
            segment = {"startIndex": places[first], "endIndex": places[last], "text": said[first:last]}
            self._supports.append({"segment": segment, "groundingChunkIndices": [self._number(citation)]})

    def _number(self, citation: Citation) -> int:
        """Which of the sources it names; a new one is added."""
        url = citation.url or ""
        number = self._chunks.setdefault(url, len(self._webs))
        if number == len(self._webs):
            title = {} if citation.title is None else {"title": citation.title}
            self._webs.append({"web": {"uri": url, **title}})
        return number

    def members(self) -> dict[str, Any]:
        """What a candidate says of them; empty without any."""
        if not self._webs:
            return {}
        return {GROUNDING: {"groundingChunks": self._webs, "groundingSupports": self._supports}}


def _segment(citation: Citation, said: str) -> tuple[int, int]:
    """Its characters; the whole text where it does not say."""
    end = len(said) if citation.end is None else citation.end
    return min(max(citation.start or 0, 0), len(said)), min(max(end, 0), len(said))


def _byte_offsets(text: str, offsets: Sequence[int]) -> dict[int, int]:
    """Offsets in characters → offsets in bytes of UTF-8; every character is looked at once."""
    places: dict[int, int] = {}
    done = counted = 0
    for offset in sorted(set(offsets)):
        counted += len(text[done:offset].encode("utf-8", "replace"))
        done, places[offset] = offset, counted
    return places


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

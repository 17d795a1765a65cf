"""Responses that are kept: `store`, `previous_response_id` and what is shown of them later.

developers.openai.com/api/reference/resources/responses: `store` is true unless the request says otherwise;
a response is continued by its id, its instructions are not.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pointsman.canon.errors import MalformedError, RequestError
from pointsman.canon.intent import Span
from pointsman.canon.json import Json
from pointsman.dialects.openai_responses.history import with_history
from pointsman.dialects.stateful import Page, Stateful, Wish
from pointsman.wire.fields import as_boolean, as_text
from pointsman.wire.json import decode_part, decode_value
from pointsman.wire.sse import Frame

PREVIOUS = "previous_response_id"
_BEGIN = b'"response.created"'
_END = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')


def _wish(body: bytes, members: Mapping[str, Span]) -> Wish:
    """Raises MalformedError."""
    store = _member(body, members, "store")
    previous = _member(body, members, PREVIOUS)
    background = _member(body, members, "background")
    return Wish(
        store=None if store is None else as_boolean(store, "store"),
        previous=None if previous is None else as_text(previous, PREVIOUS),
        background=background is not None and as_boolean(background, "background"),
    )


def _member(body: bytes, members: Mapping[str, Span], name: str) -> Any:
    span = members.get(name)
    return None if span is None else decode_value(body[span.start : span.end])


def _items(request: Json, before: Sequence[Json]) -> list[Json]:
    """Its own input, in which what refers to an earlier item is that item."""
    return _objects(with_history(request, before, ())["input"][len(before) :])


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]


def _continued(request: Json, before: Sequence[Json]) -> Json:
    return with_history(request, before, ())


def _portable(items: Sequence[Json]) -> list[Json]:
    """Thinking without its sealed content could only be looked up by its id, where it was made."""
    return [item for item in items if item.get("type") != "reasoning" or item.get("encrypted_content")]


def _unkept(request: Json) -> Json:
    return {**request, "store": False}


def _begun(frame: Frame) -> str | None:
    response = _response(frame, ("response.created",)) if _BEGIN in frame.data else None
    return None if response is None else _identity(response)


def _final(frame: Frame) -> Json | None:
    data = frame.data
    if not any(word in data for word in _END):
        return None
    return _response(frame, ("response.completed", "response.incomplete", "response.failed"))


def _response(frame: Frame, types: Sequence[str]) -> Json | None:
    """The response in an event of one of these types."""
    try:
        event = decode_part(frame.data)
    except MalformedError:
        return None
    response = event.get("response")
    return cast("Json", response) if event.get("type") in types and isinstance(response, dict) else None


def _identity(answer: Json) -> str | None:
    response_id = answer.get("id")
    return response_id if isinstance(response_id, str) and response_id else None


def _said(answer: Json) -> list[Json]:
    return _objects(answer.get("output"))


def _as_kept(answer: Json, previous: str | None) -> Json:
    return {**answer, PREVIOUS: previous, "store": True}


def _listed(response_id: str, items: Sequence[Json], page: Page) -> Json:
    """developers.openai.com/api/reference/resources/responses/subresources/input_items/methods/list"""
    named = [_shown(item, response_id, number) for number, item in enumerate(items)]
    if page.descending:
        named.reverse()
    names = [item["id"] for item in named]
    if page.after is not None and page.after not in names:
        raise RequestError("`after` names no item of this response; begin again without it", param="after")
    begin = names.index(page.after) + 1 if page.after is not None else 0
    shown = named[begin : begin + page.limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": begin + len(shown) < len(named),
    }


def _shown(item: Json, response_id: str, number: int) -> Json:
    """An item with the type and the id that its client may have left out, and content in parts."""
    kind = item.get("type") or "message"
    prefix = "msg" if kind == "message" else "item"
    shown = {"type": kind, **item}
    if not isinstance(item.get("id"), str):
        shown["id"] = f"{prefix}_{response_id.rpartition('_')[2]}_{number}"
    if kind == "message" and isinstance(item.get("content"), str):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        shown["content"] = [{"type": part, "text": item["content"]}]
    return shown


def _deleted(response_id: str) -> Json:
    return {"id": response_id, "object": "response", "deleted": True}


STATEFUL = Stateful(
    root="/responses",
    wish=_wish,
    items=_items,
    continued=_continued,
    portable=_portable,
    unkept=_unkept,
    begun=_begun,
    final=_final,
    identity=_identity,
    said=_said,
    as_kept=_as_kept,
    listed=_listed,
    deleted=_deleted,
)

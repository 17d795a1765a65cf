"""A request that goes on from an earlier answer, as one that holds its whole history itself."""

from collections.abc import Sequence
from typing import Any, cast

from pointsman.canon.json import Json

_PREVIOUS = "previous_response_id"


def with_history(
    body: Json, earlier_input_items: Sequence[Json], earlier_output_items: Sequence[Json]
) -> dict[str, Any]:
    """The request without `previous_response_id`: what was said before stands ahead of its own `input`.

    Instructions are not carried over, as in the API itself (developers.openai.com, "Conversation state"). A
    reference to an earlier item becomes the item.
    """
    earlier = [*earlier_input_items, *earlier_output_items]
    known = {item["id"]: item for item in earlier if isinstance(item.get("id"), str)}
    own = [_resolved(item, known) for item in input_items(body.get("input"))]
    rest = {name: value for name, value in body.items() if name != _PREVIOUS}
    return {**rest, "input": [*earlier, *own]}


def input_items(value: object) -> list[Any]:
    """The items of an `input`; a text is one message of the user's."""
    if value is None:
        return []
    if isinstance(value, list):
        return cast("list[Any]", value)
    return [{"type": "message", "role": "user", "content": value}]


def _resolved(item: Any, known: dict[str, Json]) -> Any:
    if not isinstance(item, dict):
        return item
    fields = cast("dict[str, Any]", item)
    if "role" in fields or fields.get("type", "item_reference") != "item_reference":
        return fields
    return known.get(str(fields.get("id")), fields)

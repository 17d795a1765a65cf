"""The shape of a request where a target takes a narrower one than the dialect has: for a plan's own requests.

Nothing is lost by it. Tools that stand alone go along as an item of the input, which the dialect has for
tools that come later; instructions from the system become the developer's; a text becomes an item.
"""

from typing import Any, cast

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.words import INPUT_TEXT

Item = dict[str, Any]

_ALONE = frozenset({"function", "custom"})
"""The tools that a client runs, outside of a namespace."""


def shape_reason(body: Json, traits: Traits) -> str | None:
    """Why a request cannot go as it is: its shape; `body` is the whole request."""
    if traits.streams_only and body.get("stream") is not True:
        return "the target answers with streams alone"
    if not traits.text_input and isinstance(body.get("input"), str):
        return "the target takes no plain text as input"
    if not traits.system_items and any(map(_of_the_system, _objects(body.get("input")))):
        return "the target takes no messages of the system"
    if not traits.lone_tools and any(map(_alone, _objects(body.get("tools")))):
        return "the target takes tools in groups, or as items"
    return None


def put_shape(draft: Draft) -> None:
    """Changes the body into the target's shape. Raises UnsupportedError where it would only stream."""
    body, traits = draft.body, draft.traits
    if traits.streams_only and draft.request.stream is not True:
        raise UnsupportedError(
            f"{draft.target.model} answers with streams alone here: ask for one (`stream`), or choose "
            "another backend",
            param="stream",
        )
    if not traits.text_input and isinstance(body.get("input"), str):
        content = [{"type": INPUT_TEXT, "text": body["input"]}]
        body["input"] = [{"type": "message", "role": "user", "content": content}]
    if not traits.system_items and isinstance(body.get("input"), list):
        items = cast("list[Any]", body["input"])
        body["input"] = [
            {**cast("Item", item), "role": "developer"} if _of_the_system(item) else item for item in items
        ]
    if not traits.lone_tools:
        _put_lone_tools(body)


def _put_lone_tools(body: dict[str, Any]) -> None:
    tools = _objects(body.get("tools"))
    lone = [_whole(tool) for tool in tools if _alone(tool)]
    if not lone or not isinstance(body.get("input"), list):
        return
    grouped = [tool for tool in tools if not _alone(tool)]
    body["input"] = [{"type": "additional_tools", "role": "developer", "tools": lone}, *body["input"]]
    if grouped:
        body["tools"] = grouped
    else:
        del body["tools"]


def _whole(tool: Json) -> Item:
    """A function with all its members: they may be null, but not left out
    (openai-python, `response_input_item.AdditionalTools`, `function_tool.FunctionTool`)."""
    return dict(tool) if tool.get("type") != "function" else {"parameters": None, "strict": None, **tool}


def _alone(tool: Json) -> bool:
    return tool.get("type") in _ALONE


def _of_the_system(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    members = cast("Json", item)
    return members.get("type", "message") == "message" and members.get("role") == "system"


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]

"""Rendered answers of the Responses API against OpenAI's types, unknown fields refused, and against Open
Responses' schema, of what that has."""

import json
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

OPEN = {"store", "presence_penalty", "frequency_penalty"}
"""Members that Open Responses demands and OpenAI's types lack, though its servers send them."""
_EVENTS = TypeAdapter(ResponseStreamEvent)
_RESPONSE = TypeAdapter(Response)
_ONLY_OPENAI = ("custom_tool_call", "web_search_call", "mcp_call", "namespace", "custom", "timetable")
"""Items and tools that Open Responses has no schema for."""


def assert_response(value):
    """A whole answer."""
    _check(_RESPONSE, value, "response")
    if not any(f'"type": "{kind}"' in json.dumps(value) for kind in _ONLY_OPENAI):
        _assert("ResponseResource", value)


def assert_event(name, value):
    """One event of a stream."""
    assert value["type"] == name
    if name == "error":
        _assert("ErrorStreamingEvent", value)
        return
    _check(_EVENTS, value, name)
    if name.startswith("response.") and "response" in value and name != "response.failed":
        assert_response(value["response"])


def assert_stream(frames):
    """All of a stream: its events numbered, its items in order, each begun and ended once, and one end."""
    for at, (name, value) in enumerate(frames):
        assert value["sequence_number"] == at
        assert_event(name, value)
    names = [name for name, _ in frames]
    assert names[:2] == ["response.created", "response.in_progress"]
    assert [name for name in names if name in _ENDS] == [names[-1]]
    added = [value["output_index"] for name, value in frames if name == "response.output_item.added"]
    done = {
        value["output_index"]: value["item"] for name, value in frames if name == "response.output_item.done"
    }
    assert added == list(range(len(added)))
    assert [done[at] for at in added] == frames[-1][1]["response"]["output"]
    assert len({item["id"] for item in done.values()}) == len(done)


_ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


def _check(adapter, value, path):
    parsed = adapter.validate_python(value)
    unknown = [each for each in _unknown(parsed, path) if each.rpartition(".")[2] not in OPEN]
    assert not unknown, unknown


def _unknown(value, path):
    """The members that the SDK keeps without knowing them."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown(item, f"{path}[{number}]")


def _assert(name, value):
    errors = [f"{error.json_path}: {error.message[:300]}" for error in _validator(name).iter_errors(value)]

    assert errors == []


@cache
def _validator(name):
    document = json.loads((files("llm_comply") / "specs" / "openresponses.json").read_text(encoding="utf-8"))
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )

"""Open Responses' schema, as llm-comply ships it: responses, compacted ones, and every event by its type."""

import json
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator


def assert_fits(name, value):
    """Raises AssertionError that says where the value differs from the schema of that name."""
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _validator(name).iter_errors(value)]
    assert problems == []


def assert_event_fits(event):
    """An event of a stream, by its type."""
    assert_fits(_events()[event["type"]], event)


@cache
def _validator(name):
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": _components()})


@cache
def _events():
    """Type of an event → the name of its schema."""
    return {
        schema["properties"]["type"]["enum"][0]: name
        for name, schema in _components()["schemas"].items()
        if name.endswith("StreamingEvent")
    }


@cache
def _components():
    document = json.loads((files("llm_comply") / "specs" / "openresponses.json").read_text(encoding="utf-8"))
    return document["components"]

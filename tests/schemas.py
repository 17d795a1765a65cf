"""Validation of what is rendered for Anthropic's clients: the public schema, and the SDK's types with unknown
fields refused."""

import json
from functools import cache
from importlib.resources import files

from anthropic import types
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

_EVENTS = {
    "message_start": "MessageStartEvent",
    "message_delta": "MessageDeltaEvent",
    "message_stop": "MessageStopEvent",
    "content_block_start": "ContentBlockStartEvent",
    "content_block_delta": "ContentBlockDeltaEvent",
    "content_block_stop": "ContentBlockStopEvent",
}


def validate_anthropic_message(message):
    """Raises AssertionError, naming what the schema or the SDK does not know."""
    _validate(message, "Message", types.Message)


def validate_anthropic_event(event):
    """One event of a stream; pings and errors are not in the SDK's union."""
    if event["type"] == "ping":
        assert event == {"type": "ping"}
    elif event["type"] == "error":
        validate_anthropic_error(event)
    else:
        _validate(event, _EVENTS[event["type"]], types.RawMessageStreamEvent)


def validate_anthropic_error(body):
    """The body of an error."""
    problems = [error.message for error in _schema("ErrorResponse").iter_errors(body)]
    assert not problems, problems


def _validate(value, schema, model):
    problems = [
        f"{list(error.absolute_path)}: {error.message}" for error in _schema(schema).iter_errors(value)
    ]
    assert not problems, problems
    parsed = TypeAdapter(model).validate_python(value)
    unknown = list(_unknown(parsed, schema))
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


@cache
def _schema(name):
    document = _document()
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


@cache
def _document():
    return json.loads((files("llm_comply") / "specs" / "anthropic.json").read_text())

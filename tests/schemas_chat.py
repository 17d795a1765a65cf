"""Rendered Chat Completions answers against the public schema, unknown fields refused."""

import json
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator

EXTENSIONS = {
    "ChatCompletionResponseMessage": {
        "reasoning_content": {"type": "string"},
        "reasoning_details": {"type": "array"},
    },
    "ChatCompletionStreamResponseDelta": {
        "reasoning_content": {"type": "string"},
        "reasoning_details": {"type": "array"},
        "annotations": {"type": "array"},
    },
    "ChatCompletionMessageToolCall": {"extra_content": {"type": "object"}},
    "ChatCompletionMessageToolCallChunk": {"extra_content": {"type": "object"}},
    "Error": {"request_id": {"type": "string"}, "details": {"type": "object"}},
}
"""What pointsman adds, as its documentation says; and `annotations` of a delta, which OpenAI sends."""
NEWER = {"prompt_tokens_details": {"cache_write_tokens": {"type": "integer"}}}
TIERS = ["auto", "default", "flex", "scale", "priority", "fast"]
"""What the SDK's types have and the schema's copy has not yet."""


def assert_completion(value):
    """A whole answer."""
    _assert("CreateChatCompletionResponse", value)


def assert_chunk(value):
    """One chunk of a stream."""
    _assert("CreateChatCompletionStreamResponse", value)


def assert_error(value):
    """The body of an error."""
    _assert("ErrorResponse", value)


def assert_stream(stream):
    """Every frame of a stream that did not fail: chunks, then `[DONE]` and nothing more."""
    frames = [block.removeprefix("data: ") for block in stream.decode().split("\n\n") if block]

    assert frames[-1] == "[DONE]"
    for frame in frames[:-1]:
        assert_chunk(json.loads(frame))


def _assert(name, value):
    errors = [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(value)]

    assert errors == []


@cache
def _validator(name):
    schemas = {key: _strict(schema) for key, schema in _schemas().items()}
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


@cache
def _schemas():
    spec = json.loads((files("llm_comply") / "specs" / "openai_chat.json").read_text(encoding="utf-8"))
    schemas = spec["components"]["schemas"]
    for name, properties in EXTENSIONS.items():
        schemas[name]["properties"].update(properties)
    for name, properties in NEWER.items():
        schemas["CompletionUsage"]["properties"][name]["properties"].update(properties)
    schemas["ServiceTier"]["enum"] = TIERS
    return schemas


def _strict(schema):
    """OpenAPI 3.0 → JSON Schema: `nullable` as a type, objects closed."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {
        key: _strict(value) for key, value in schema.items() if key not in {"nullable", "example", "default"}
    }
    if isinstance(schema.get("properties"), dict):
        strict.setdefault("additionalProperties", False)
    return {"anyOf": [strict, {"type": "null"}]} if schema.get("nullable") is True else strict

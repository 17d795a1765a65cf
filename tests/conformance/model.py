"""A model that does as it is told: it calls its tool, fills the schema, thinks and talks."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from clients.scripted_models import Call, Said


@dataclass(frozen=True)
class Wanted:
    """What a request asks for, in nobody's dialect."""

    tool: str | None = None
    """The tool to call; None where there is none, or its result is there."""
    parameters: Any = None
    """Their schema."""
    schema: Any = None
    """Of the answer; None for free text."""


def obliging(wanted: Wanted) -> Said:
    """What the model says."""
    if wanted.tool is not None:
        return Said(calls=(Call("call_1", wanted.tool, example(wanted.parameters)),))
    return Said(json.dumps(example(wanted.schema)) if wanted.schema else "Fine.", thinking="Let me see.")


def example(schema: Any) -> Any:
    """A value that fits a plain schema."""
    kind = str((schema or {}).get("type", "object")).lower()
    if "enum" in (schema or {}):
        return schema["enum"][0]
    if kind == "object":
        return {name: example(inner) for name, inner in (schema or {}).get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items"))]
    return {"string": "Paris", "integer": 1, "number": 1.5, "boolean": True}.get(kind)


def _of_chat(body: Any) -> Wanted:
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    tool = next((tool["function"] for tool in body.get("tools") or ()), None)
    answered = body["messages"][-1]["role"] == "tool" or body.get("tool_choice") == "none"
    return _wanted(None if answered else tool, "parameters", schema)


def _of_messages(body: Any) -> Wanted:
    schema = (body.get("output_config") or {}).get("format", {}).get("schema")
    tool = next(iter(body.get("tools") or ()), None)
    said = body["messages"][-1]["content"]
    answered = isinstance(said, list) and any(block["type"] == "tool_result" for block in said)
    refused = (body.get("tool_choice") or {}).get("type") == "none"
    return _wanted(None if answered or refused else tool, "input_schema", schema)


def _of_responses(body: Any) -> Wanted:
    schema = (body.get("text") or {}).get("format", {}).get("schema")
    tool = next((tool for tool in body.get("tools") or () if tool["type"] == "function"), None)
    said = body.get("input")
    answered = isinstance(said, list) and said and str(said[-1].get("type")).endswith("_output")
    return _wanted(None if answered or body.get("tool_choice") == "none" else tool, "parameters", schema)


def _of_gemini(body: Any) -> Wanted:
    settings = body.get("generationConfig") or {}
    schema = settings.get("responseJsonSchema") or settings.get("responseSchema")
    tool = next(_declarations(body), None)
    answered = any("functionResponse" in part for part in body["contents"][-1]["parts"])
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig", {}).get("mode")
    key = "parametersJsonSchema" if "parametersJsonSchema" in (tool or {}) else "parameters"
    return _wanted(None if answered or calling == "NONE" else tool, key, schema)


def _declarations(body: Any) -> Iterator[Any]:
    for tool in body.get("tools") or ():
        yield from tool.get("functionDeclarations") or ()


def _wanted(tool: Any, key: str, schema: Any) -> Wanted:
    return Wanted(schema=schema) if tool is None else Wanted(tool["name"], tool.get(key), schema)


WANTED: dict[str, Callable[[Any], Wanted]] = {
    "chat": _of_chat,
    "messages": _of_messages,
    "responses": _of_responses,
    "gemini": _of_gemini,
}
"""By the dialect of the upstream."""

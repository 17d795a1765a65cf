"""Google's own types: whatever a Gemini client gets must fit into them, unknown fields refused."""

import json
import warnings

from google.genai import types

from dialects.laws import frames_of


def assert_response(body):
    """A whole response, or one of a stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a word that the types lack they only warn
        return types.GenerateContentResponse.model_validate_json(json.dumps(body))


def assert_stream(stream):
    """Events without names or comments, each a response; the last says why each candidate ended."""
    assert all(line.startswith(b"data: ") for line in stream.splitlines() if line)
    responses = [assert_response(frame) for _, frame in frames_of(stream)]
    assert all(candidate.finish_reason for candidate in responses[-1].candidates)
    return responses


def assert_request(body):
    """The members of a request that the SDK has types for."""
    for turn in body["contents"]:
        types.Content.model_validate_json(json.dumps(turn))
    for tool in body.get("tools", []):
        types.Tool.model_validate_json(json.dumps(tool))
    types.ToolConfig.model_validate_json(json.dumps(body.get("toolConfig", {})))
    types.GenerationConfig.model_validate_json(json.dumps(body.get("generationConfig", {})))
    if "systemInstruction" in body:
        types.Content.model_validate_json(json.dumps(body["systemInstruction"]))

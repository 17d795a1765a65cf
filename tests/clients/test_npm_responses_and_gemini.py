"""The npm SDKs of the Responses API and of Gemini through a running pointsman, over each dialect."""

import json

import pytest
from scripted_models import INPUT, OUTPUT, Said
from test_npm_sdks import CITIES, printed, seen_by

from scripted import Reply

pytestmark = pytest.mark.clients


def test_the_openai_sdk_from_npm_sees_whole_responses(address, maker):
    seen = seen_by("responses.mjs", address, maker)

    calls = [item for item in seen["calls"]["output"] if item["type"] == "function_call"]
    assert seen["plain"]["output_text"] == "Good day."
    assert "".join(seen["pieces"]) == "Good day to you."
    assert len(seen["pieces"]) > 1
    assert [item["type"] for item in seen["streamed"]["output"]] == ["reasoning", "message"]
    assert seen["streamed"]["status"] == "completed"
    assert seen["streamed"]["usage"]["input_tokens"] == INPUT
    assert [json.loads(call["arguments"]) for call in calls] == CITIES
    assert seen["answered"]["output_text"] == "Rain."
    assert seen["refused"] == {"status": 429, "name": "RateLimitError"}


def test_the_google_sdk_from_npm_sees_whole_answers(address, maker):
    seen = seen_by("gemini.mjs", address, maker)

    usage = seen["last"]["usageMetadata"]
    assert seen["plain"]["text"] == "Good day."
    assert "".join(seen["pieces"]) == "Good day to you."
    assert len(seen["pieces"]) > 1
    assert seen["last"]["candidates"][0]["finishReason"] == "STOP"
    assert usage["promptTokenCount"] == INPUT
    assert usage["totalTokenCount"] == INPUT + OUTPUT
    assert [call["args"] for call in seen["calls"]["calls"]] == CITIES
    assert seen["answered"]["text"] == "Rain."
    assert seen["refused"] == {"status": 429, "name": "ApiError"}


def test_the_openai_sdk_from_npm_converses_over_a_websocket(address, maker):
    if maker.name == "responses":
        maker.upstream.then(Reply(426))  # it has no WebSocket itself, and is asked for one
    maker.will(Said("It is teal."), Said("Because of copper."))

    seen = printed("socket.mjs", address, maker.model)

    assert "".join(seen["first"]) == "It is teal."
    assert "".join(seen["second"]) == "Because of copper."
    assert len(seen["first"]) > 1
    assert (seen["types"][0], seen["types"][-1]) == ("response.created", "response.completed")
    asked = [seen for seen in maker.upstream.requests if seen.method == "POST"]
    assert len(asked) == 2
    assert b"It is teal." in asked[1].body

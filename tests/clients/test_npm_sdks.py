"""The SDKs from npm through a running pointsman, each relayed and translated."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from coding_agents import CLIENTS
from running import clean_environment
from scripted_models import CACHED, INPUT, OUTPUT, Call, Said

from scripted import json_reply

pytestmark = pytest.mark.clients

NODE = Path(sys.executable).parent / "node"
TAKES_AT_MOST = 60.0
TWO_CALLS = (Call("call_1", "get_weather", {"city": "Kyiv"}), Call("call_2", "get_weather", {"city": "Lviv"}))
CITIES = [{"city": "Kyiv"}, {"city": "Lviv"}]


def seen_by(script, address, side):
    """What the user sees: a plain answer, a stream, two tool calls, the answer to them, a refusal."""
    side.will(
        Said("Good day."), Said("Good day to you.", thinking="Greet."), Said(calls=TWO_CALLS), Said("Rain.")
    )
    side.upstream.always = json_reply({"error": {"type": "rate_limit_error", "message": "slow down"}}, 429)
    return printed(script, address, side.model)


def printed(script, address, model, **environment):
    """What the script prints."""
    finished = subprocess.run(
        [NODE, Path(__file__).with_name(script), address, model],
        env=clean_environment(CLIENTS=str(CLIENTS), **environment),
        capture_output=True,
        timeout=TAKES_AT_MOST,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    return json.loads(finished.stdout)


def test_the_anthropic_sdk_from_npm_sees_whole_answers(address, side):
    seen = seen_by("messages.mjs", address, side)

    assert seen["plain"]["content"][0]["text"] == "Good day."
    assert "".join(seen["pieces"]) == "Good day to you."
    assert len(seen["pieces"]) > 1
    assert [block["type"] for block in seen["streamed"]["content"]] == ["thinking", "text"]
    assert seen["streamed"]["stop_reason"] == "end_turn"
    assert seen["streamed"]["usage"]["input_tokens"] == INPUT - CACHED
    assert seen["streamed"]["usage"]["output_tokens"] == OUTPUT
    assert [block["input"] for block in seen["calls"]["content"]] == CITIES
    assert seen["calls"]["stop_reason"] == "tool_use"
    assert seen["answered"]["content"][0]["text"] == "Rain."
    assert seen["refused"] == {"status": 429, "type": "rate_limit_error", "name": "RateLimitError"}


def test_the_openai_sdk_from_npm_sees_whole_answers(address, side):
    seen = seen_by("chat.mjs", address, side)

    calls = seen["calls"]["choices"][0]
    assert seen["plain"]["choices"][0]["message"]["content"] == "Good day."
    assert "".join(seen["pieces"]) == "Good day to you."
    assert len(seen["pieces"]) > 1
    assert seen["streamed"]["choices"][0]["finish_reason"] == "stop"
    assert seen["streamed"]["usage"]["prompt_tokens"] == INPUT
    assert [json.loads(call["function"]["arguments"]) for call in calls["message"]["tool_calls"]] == CITIES
    assert calls["finish_reason"] == "tool_calls"
    assert seen["answered"]["choices"][0]["message"]["content"] == "Rain."
    assert seen["refused"] == {"status": 429, "name": "RateLimitError"}


@pytest.mark.parametrize("script", ["messages.mjs", "chat.mjs"])
def test_the_upstream_is_asked_in_its_own_words(address, side, script):
    seen_by(script, address, side)

    paths = {request.target for request in side.upstream.requests}
    assert paths == {"/v1/messages" if side.name == "claude" else "/v1/chat/completions"}
    assert [bool(body.get("stream")) for body in side.requests] == [False, True, True, False, False]
    assert results(side) == {"call_1": "rain", "call_2": "rain"}


def results(side):
    """The tools' results in the fourth request, by the id of their call."""
    messages = side.requests[3]["messages"]
    if side.name == "chat":
        return {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    return {block["tool_use_id"]: said(block["content"]) for block in messages[-1]["content"]}


def said(content):
    return content if isinstance(content, str) else content[0]["text"]


@pytest.mark.engine
@pytest.mark.xdist_group("embedded")
def test_the_anthropic_sdk_from_npm_works_over_the_embedded_model(address):
    seen = printed("messages.mjs", address, "local", FORCE="1")

    assert seen["plain"]["content"][0]["text"]
    assert "".join(seen["pieces"]) == seen["streamed"]["content"][0]["text"] != ""
    assert [(block["name"], *block["input"]) for block in seen["calls"]["content"]] == [
        ("get_weather", "city")
    ]
    assert seen["answered"]["content"][0]["text"]


@pytest.mark.engine
@pytest.mark.xdist_group("embedded")
def test_the_openai_sdk_from_npm_works_over_the_embedded_model(address):
    seen = printed("chat.mjs", address, "local", FORCE="1")

    [call] = seen["calls"]["choices"][0]["message"]["tool_calls"]
    assert seen["plain"]["choices"][0]["message"]["content"]
    assert "".join(seen["pieces"]) == seen["streamed"]["choices"][0]["message"]["content"] != ""
    assert json.loads(call["function"]["arguments"]).keys() == {"city"}
    assert seen["answered"]["choices"][0]["message"]["content"]

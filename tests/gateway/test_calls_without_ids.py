"""Calls that a Gemini upstream names neither by an id nor by its answer: each gets an id that is its own."""

import json

import pytest
from rig import rig
from voices import GEMINI, RESPONSES

from scripted import Upstream, json_reply, run, sse

TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


def call(city):
    return {"functionCall": {"name": "look", "args": {"city": city}}, "thoughtSignature": f"c2lnbmVk{city}"}


def reply(parts, stream, named):
    told = {**GEMINI.answer, "candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]}
    if not named:
        del told["responseId"]
    told["candidates"][0]["finishReason"] = "STOP"
    return sse(b"data: " + json.dumps(told).encode() + b"\n\n") if stream else json_reply(told)


async def three_turns(gateway, stream):
    """What a client of the Responses API, which sends every item back, has at the end."""
    history = [{"role": "user", "content": "The weather?"}]
    for _ in range(3):
        asked = {"input": history, "tools": [TOOL], "store": False, "stream": stream}
        answer = await gateway.ask(RESPONSES, backend="gemini", **asked)
        told = answer.events[-1]["response"] if stream else answer.json()
        history += told["output"]
        calls = [item for item in told["output"] if item["type"] == "function_call"]
        results = [{"call_id": each["call_id"], "output": "sunny"} for each in calls]
        history += [{"type": "function_call_output", **each} for each in results]
    return [item["call_id"] for item in history if item.get("type") == "function_call"]


@pytest.mark.parametrize("named", [False, True], ids=["no answer's id", "always the same"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_each_call_of_each_answer_has_its_own_id_and_gets_its_own_signature_back(stream, named):
    async def scenario():
        turns = [[call("Ulm"), call("Bonn")], [call("Kiel")], [{"text": "Sunny."}]]
        told = [reply(parts, stream, named) for parts in (*turns, *turns)]
        async with Upstream(*told) as server, rig(gemini=server) as gateway:
            ids = [*await three_turns(gateway, stream), *await three_turns(gateway, stream)]

            assert len(set(ids)) == len(ids) == 6
            for last in (server.requests[2], server.requests[5]):
                sent = [part for turn in last.json()["contents"] for part in turn["parts"]]
                assert [part for part in sent if "functionCall" in part] == [*turns[0], *turns[1]]
                assert all("id" not in part.get("functionResponse", {}) for part in sent)

    run(scenario())

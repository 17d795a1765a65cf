"""Codex through a running pointsman, over an upstream of each dialect."""

import json

import pytest
from coding_agents import agent, codex, tool_results
from scripted_models import Call
from tee import tee

pytestmark = pytest.mark.clients

SHOW = Call("call_1", "exec_command", {"cmd": "cat note.txt"})


def messages(events):
    """What the agent said to its user, in order."""
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item["text"] for item in items if item["type"] == "agent_message"]


def test_codex_works_with_a_tool_and_goes_on(address, maker, tmp_path, note):
    maker.upstream.always = agent(maker.says, SHOW, thinking="The note must be read.")

    first = codex("What does note.txt say?", tmp_path, address, maker.model)
    second = codex("Say it again.", tmp_path, address, maker.model, again=True)

    assert messages(first) == ["Let me look.", "The file says token-0badcafe."]
    assert messages(second) == ["The file says token-0badcafe."]
    assert first[-1]["type"] == second[-1]["type"] == "turn.completed"
    called, told, again = maker.requests
    assert tool_results(called) == []
    assert "token-0badcafe" in json.dumps(tool_results(told))
    assert "token-0badcafe" in json.dumps(tool_results(again))
    assert "Say it again." in json.dumps(again)


def test_what_codex_sends_arrives_untouched(address, responses, tmp_path, note):
    responses.upstream.always = agent(responses.says, SHOW)

    with tee(address) as ear:
        codex("What does note.txt say?", tmp_path, ear.url, responses.model)

    arrived = responses.upstream.requests
    assert [seen.target for seen in arrived] == ["/v1/responses"] * 2
    assert [seen.body for seen in arrived] == [seen.body for seen in ear.requests]
    assert arrived[0].header("authorization") == "Bearer sk-responses-canary"
    assert arrived[0].header("session-id") == ear.requests[0].header("session-id")

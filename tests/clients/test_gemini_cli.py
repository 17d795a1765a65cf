"""Gemini CLI through a running pointsman, over an upstream of each dialect."""

import json

import pytest
from coding_agents import agent, gemini_cli, tool_results
from scripted_gemini import THOUGHT_SIGNATURE
from scripted_models import Call
from tee import tee

pytestmark = pytest.mark.clients

SHOW = Call("call_1", "run_shell_command", {"command": "cat note.txt"})


def main_requests(requests):
    """Those of the conversation, without the side questions."""
    return [body for body in requests if body.get("tools")]


def test_gemini_cli_works_with_a_tool_and_goes_on(address, maker, tmp_path, note):
    maker.upstream.always = agent(maker.says, SHOW, thinking="The note must be read.")

    first = gemini_cli("What does note.txt say?", tmp_path, address, maker.model)
    second = gemini_cli("Say it again.", tmp_path, address, maker.model, again=True)

    assert "The file says token-0badcafe." in first["response"]
    assert "The file says token-0badcafe." in second["response"]
    called, told, again = main_requests(maker.requests)
    assert tool_results(called) == []
    assert "token-0badcafe" in json.dumps(tool_results(told))
    assert "token-0badcafe" in json.dumps(tool_results(again))
    assert "Say it again." in json.dumps(again)


def test_what_gemini_cli_sends_arrives_untouched_and_the_signature_comes_back(
    address, gemini, tmp_path, note
):
    gemini.upstream.always = agent(gemini.says, SHOW)

    with tee(address) as ear:
        gemini_cli("What does note.txt say?", tmp_path, ear.url, gemini.model)

    sent = [seen for seen in ear.requests if ":streamGenerateContent" in seen.target]
    arrived = [seen for seen in gemini.upstream.requests if ":streamGenerateContent" in seen.target]
    assert len(arrived) == 2
    assert [seen.body for seen in arrived] == [seen.body for seen in sent]
    assert [seen.target for seen in arrived] == [
        f"/v1beta/models/{gemini.model}:streamGenerateContent?alt=sse"
    ] * 2
    assert arrived[0].header("x-goog-api-key") == "gemini-canary"
    assert THOUGHT_SIGNATURE.encode() in arrived[1].body

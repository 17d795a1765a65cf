"""Claude Code through a running pointsman: relayed to Anthropic Messages, translated to Chat Completions."""

import pytest
from coding_agents import agent, claude_code, tool_results
from scripted_models import INPUT, Call
from tee import tee

from scripted import json_reply

pytestmark = pytest.mark.clients

BASH = Call("call_1", "Bash", {"command": "cat note.txt", "description": "Show the note"})
BETAS = {"claude-code-20250219", "context-management-2025-06-27", "mid-conversation-tool-changes-2026-07-01"}
"""Some of what it sends; each belongs to something in the body."""

LOST = {"dropped context_management", "dropped tools.defer_loading", "dropped cache_control"}
"""Some of what has no counterpart in Chat Completions; it is reported, and refused no request."""


def read(file):
    return Call("call_1", "Read", {"file_path": str(file)})


@pytest.mark.parametrize("call", [lambda _: BASH, read], ids=["bash", "read"])
def test_claude_code_works_with_a_tool_over_a_relay(address, claude, tmp_path, note, call):
    claude.upstream.always = agent(claude.says, call(note))

    result = claude_code("What does note.txt say?", tmp_path, address, ANTHROPIC_MODEL=claude.model)

    assert result["result"] == "The file says token-0badcafe."
    assert not result["is_error"]
    assert result["num_turns"] == 2
    assert result["usage"]["input_tokens"] + result["usage"]["cache_read_input_tokens"] == 2 * INPUT


def test_what_claude_code_sends_arrives_untouched(address, claude, tmp_path, note):
    claude.upstream.always = agent(claude.says, BASH)

    with tee(address) as ear:
        claude_code("What does note.txt say?", tmp_path, ear.url, ANTHROPIC_MODEL=claude.model)

    sent, arrived = asked(ear), asked(claude.upstream)
    assert len(arrived) == 2
    assert [seen.body for seen in arrived] == [seen.body for seen in sent]
    assert [seen.target for seen in arrived] == ["/v1/messages?beta=true"] * 2
    for before, after in zip(sent, arrived, strict=True):
        assert set(before.header("anthropic-beta").split(",")) >= BETAS
        assert own_headers(after) == own_headers(before)
        assert after.header("x-api-key") == "sk-ant-canary"
    assert arrived[0].json()["system"][0]["text"].startswith("x-anthropic-billing-header: ")


def test_only_the_span_of_the_model_s_name_changes(address, claude, tmp_path, note):
    claude.upstream.always = agent(claude.says, BASH)
    asked_for = f"claude:{claude.model}"

    with tee(address) as ear:
        result = claude_code("What does note.txt say?", tmp_path, ear.url, ANTHROPIC_MODEL=asked_for)

    assert result["result"] == "The file says token-0badcafe."
    for before, after in zip(asked(ear), asked(claude.upstream), strict=True):
        assert after.body == before.body.replace(asked_for.encode(), claude.model.encode(), 1)


def asked(server):
    """The requests for an answer, as they were sent or as they arrived."""
    return [seen for seen in server.requests if seen.target.startswith("/v1/messages?")]


def own_headers(seen):
    """The client's headers as far as they are not about the connection or the credential."""
    changed = {"host", "connection", "content-length", "accept-encoding", "x-api-key", "via"}
    return {name.lower(): value for name, value in seen.headers if name.lower() not in changed}


@pytest.mark.parametrize("call", [lambda _: BASH, read], ids=["bash", "read"])
def test_claude_code_works_with_a_tool_over_a_translation(address, chat, tmp_path, note, call):
    chat.upstream.always = agent(chat.says, call(note))

    with tee(address) as ear:
        result = claude_code("What does note.txt say?", tmp_path, ear.url, ANTHROPIC_MODEL=chat.model)

    assert result["result"] == "The file says token-0badcafe."
    assert not result["is_error"]
    assert result["usage"]["input_tokens"] + result["usage"]["cache_read_input_tokens"] == 2 * INPUT
    first, second = chat.requests
    names = {tool["function"]["name"] for tool in first["tools"]}
    assert {"Bash", "Read", "Edit"} <= names
    assert [message["role"] for message in first["messages"]] == ["system", "user", "system"]
    [tool_result] = tool_results(second)
    assert tool_result["tool_call_id"] == "call_1"
    assert "token-0badcafe" in str(tool_result["content"])
    assert len(ear.losses) == 2
    assert all(set(losses) >= LOST for losses in ear.losses)


def test_the_thinking_of_a_chat_model_survives_claude_code_s_round_trip(address, chat, tmp_path, note):
    chat.upstream.always = agent(chat.says, BASH, thinking="The note must be read.")

    with tee(address) as ear:
        result = claude_code("What does note.txt say?", tmp_path, ear.url, ANTHROPIC_MODEL=chat.model)

    blocks = [
        block
        for message in asked(ear)[1].json()["messages"]
        if message["role"] == "assistant"
        for block in message["content"]
    ]
    assert result["result"] == "The file says token-0badcafe."
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use"]
    assert blocks[0]["thinking"] == "The note must be read."


def test_a_wait_that_the_upstream_asks_for_is_kept_and_then_goes_well(address, claude, tmp_path, note):
    limit = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    claude.upstream.then(json_reply(limit, 429, [("retry-after", "1")]))
    claude.upstream.always = agent(claude.says, BASH)

    result = claude_code("What does note.txt say?", tmp_path, address, ANTHROPIC_MODEL=claude.model)

    assert result["result"] == "The file says token-0badcafe."


def test_claude_code_recognises_that_nobody_has_the_model(address, claude, tmp_path):
    result = claude_code("Hello", tmp_path, address, ANTHROPIC_MODEL="nobody-knows")

    assert result["is_error"]
    assert "nobody-knows" in result["result"]
    assert claude.requests == []

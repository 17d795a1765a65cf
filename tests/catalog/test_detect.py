"""Which program sends a request: user agents, other fields, prompts, and in which order they count."""

import json
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.catalog.client import Client
from pointsman.catalog.detect import PREFIX, UNKNOWN, Detector
from pointsman.config import shipped

DETECTOR = shipped.detector()
OPENAI_JS = "OpenAI/JS 6.1.0"


def detect(agent=None, body=b"", **fields):
    headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return DETECTOR.detect([*headers, *([("user-agent", agent)] if agent else [])], body)


def chat(prompt):
    messages = [{"role": "system", "content": prompt}, {"role": "user", "content": "hi"}]
    return json.dumps({"model": "m", "stream": True, "messages": messages}).encode()


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("claude-cli/2.1.330 (external, cli)", "claude-code"),
        ("codex_cli_rs/0.156.0 (Debian 13; x86_64) xterm", "codex"),
        ("codex_exec/0.156.0", "codex"),
        ("Cline/3.46.1", "cline"),
        ("RooCode/3.53.0", "roo-code"),
        ("Kilo-Code/7.5.5", "kilo-code"),
        ("Cursor/2.1.0", "cursor"),
        ("windsurf/2.3.9", "windsurf"),
        ("Zed/0.210.0 (linux; x86_64)", "zed"),
        ("openclaw/2026.8.2", "openclaw"),
        ("HermesAgent/0.22.2", "hermes"),
        ("GitHubCopilotChat/0.40.0", "copilot"),
        ("copilot/1.0.82 (client/github/cli linux v24.16.0) term/unknown", "copilot"),
        ("opencode/1.4.0 ai-sdk/provider-utils/4.0", "opencode"),
        ("OpenCode/0.5.0", "opencode"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen-code"),
        ("GeminiCLI/0.56.0/gemini-3.5-flash-lite (linux; x64; terminal)", "gemini-cli"),
        ("ls/JS 4.103.0", "continue"),
        ("OpenAI/Python 2.8.0", "openai-python"),
        ("AsyncOpenAI/Python 2.8.0", "openai-python"),
        (OPENAI_JS, "openai-typescript"),
        ("Anthropic/Python 2.12.0", "anthropic-python"),
        ("Anthropic/JS 1.12.0", "anthropic-typescript"),
        ("google-genai-sdk/3.6.1 gl-python/3.11.7", "google-python"),
        ("google-genai-sdk/3.1.0 gl-node/v24.1.0", "google-typescript"),
        ("litellm/1.109.1", "litellm"),
        ("curl/8.14.1", "curl"),
        ("node-fetch", UNKNOWN),
        ("Mozilla/5.0 (X11; Linux x86_64)", UNKNOWN),
        ("my-curl/1", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_a_user_agent_tells_the_client(agent, client):
    assert detect(agent) == client


@pytest.mark.parametrize(
    ("name", "value", "client"),
    [
        ("x-claude-code-session-id", "5f", "claude-code"),
        ("x-codex-window-id", "5f", "codex"),
        ("originator", "codex_vscode", "codex"),
        ("x-session-affinity", "5f", "opencode"),
        ("x-title", "Kilo Code", "kilo-code"),
        ("http-referer", "https://github.com/RooVetGit/Roo-Cline", "roo-code"),
        ("x-client-type", "cline-sdk", "cline"),
        ("x-openrouter-title", "OpenClaw", "openclaw"),
        ("http-referer", "https://hermes-agent.nousresearch.com", "hermes"),
        ("copilot-integration-id", "copilot-developer-cli", "copilot"),
        ("x-title", "My own thing", "openai-typescript"),
        ("x-stainless-lang", "js", "openai-typescript"),
    ],
)
def test_a_field_of_its_own_tells_a_client_that_is_built_on_an_sdk(name, value, client):
    assert DETECTOR.detect([("user-agent", OPENAI_JS), (name, value)]) == client


@pytest.mark.parametrize(
    ("prompt", "client"),
    [
        ("You are Claude Code, Anthropic's official CLI for Claude.", "claude-code"),
        ("You are Cline, a highly skilled software engineer", "cline"),
        ("You are Roo, a highly skilled software engineer", "roo-code"),
        ("You are Kilo Code, an experienced technical leader", "kilo-code"),
        ("You are an AI coding assistant, powered by Composer. You operate in Cursor.", "cursor"),
        ("You are Cascade, a powerful agentic AI coding assistant", "windsurf"),
        ("Act as an expert software developer.\nAlways use best practices when coding.\n", "aider"),
        ("You are the Zed coding agent running inside the Zed editor.", "zed"),
        ("<SOUL>\nYou are OpenHands agent, a helpful AI assistant", "openhands"),
        ("You are a personal assistant running inside OpenClaw.", "openclaw"),
        ("You are Hermes Agent, an intelligent AI assistant", "hermes"),
        ("You are the GitHub Copilot CLI, a terminal assistant built by GitHub.", "copilot"),
        ('When asked for your name, you must respond with "GitHub Copilot".', "copilot"),
        ("You are opencode, an interactive CLI tool", "opencode"),
        ("You are Qwen Code, an interactive CLI agent", "qwen-code"),
        ("You are Gemini CLI, an interactive CLI agent", "gemini-cli"),
        ("You are a helpful assistant. You are Clinering.", "openai-python"),
    ],
)
def test_a_prompt_tells_a_client_that_is_built_on_an_sdk(prompt, client):
    assert detect("OpenAI/Python 2.8.0", chat(prompt)) == client


def test_another_programs_user_agent_is_no_disguise():
    body = chat("You are Qwen Code, an interactive CLI agent developed by Alibaba Group")

    assert detect("claude-cli/0.24.4 (external, cli)", body, x_app="cli") == "qwen-code"
    assert detect("claude-cli/2.1.330", body, x_claude_code_session_id="5f") == "claude-code"


def test_a_user_agent_of_its_own_goes_before_fields_and_fields_before_the_prompt():
    body = chat("You are Cline, a highly skilled software engineer")

    assert detect("Kilo-Code/7.5.5", body, x_session_affinity="5f") == "kilo-code"
    assert detect(OPENAI_JS, body, x_session_affinity="5f") == "opencode"


def test_the_prompt_that_stands_first_counts_before_one_that_it_quotes():
    quoting = "You are Roo, a software engineer. Others say: You are Cline, You operate in Cursor"

    assert detect(None, chat(quoting)) == "roo-code"


def test_what_a_user_writes_far_behind_the_prompt_is_not_looked_at():
    assert detect(None, chat("x" * PREFIX + "You are Cline,")) == UNKNOWN


def test_an_earlier_row_goes_before_a_later_one_with_the_same_user_agent():
    rows = [Client(name, name, "https://x.example", (), user_agents=("same/*",)) for name in ("one", "two")]

    assert Detector(rows).detect([("user-agent", "same/1")]) == "one"
    assert Detector([]).detect([("user-agent", "same/1")]) == UNKNOWN


@given(st.lists(st.tuples(st.text(), st.text())), st.binary())
def test_whatever_comes_has_a_client_that_has_a_row_or_is_unknown(headers, body):
    assert DETECTOR.detect(headers, body) in {*shipped.clients(), UNKNOWN}


def test_looking_at_a_hostile_request_stays_short():
    agent = "google-genai-sdk/" + " gl-" * 2000
    headers = [(f"x-{number}", "v") for number in range(100)] + [("user-agent", agent)]
    body = b"You are " * 100_000

    assert min(timeit.repeat(lambda: DETECTOR.detect(headers, body), number=100, repeat=5)) / 100 < 0.0005


def test_names_of_fields_are_in_lower_case_since_they_are_looked_up_so():
    for row in shipped.clients().values():
        assert all(name == name.lower() for name in (*row.headers, *row.values))
        assert all(start == start.lower() for starts in row.values.values() for start in starts)

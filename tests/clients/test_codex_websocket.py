"""Codex, headless, over a WebSocket through a running pointsman to upstreams of other APIs."""

import json
import subprocess

import pytest
from coding_agents import CLIENTS, TAKES_AT_MOST, agent, tool_results
from running import clean_environment
from scripted_models import Call, Said

pytestmark = pytest.mark.clients

CODEX = CLIENTS / "node_modules" / ".bin" / "codex"
CONFIG = """
model = "{model}"
model_provider = "desk"
approval_policy = "never"
sandbox_mode = "danger-full-access"
web_search = "disabled"
[model_providers.desk]
name = "desk"
base_url = "{address}/v1"
wire_api = "responses"
env_key = "DESK_KEY"
supports_websockets = true
request_max_retries = 0
stream_max_retries = 0
"""
OPENED = "successfully connected to Responses WebSocket status=101"


@pytest.fixture
def codex(tmp_path, address):
    """Runs it with these arguments in one home and folder; its events, and what it logged."""
    home, work = tmp_path / "client-home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
    (work / "note.txt").write_text("token-0badcafe\n")
    environment = {"HOME": str(tmp_path), "CODEX_HOME": str(home), "DESK_KEY": "pointsman"}
    # Nothing but loopback can be reached.
    environment |= {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}

    def run(model, *arguments):
        (home / "config.toml").write_text(CONFIG.format(model=model, address=address))
        finished = subprocess.run(
            [CODEX, "exec", "--skip-git-repo-check", "--json", *arguments],
            cwd=work,
            env=clean_environment(**environment, RUST_LOG="codex_api=info"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TAKES_AT_MOST,
            check=False,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return [json.loads(line) for line in finished.stdout.splitlines()], finished.stderr

    return run


def last_words(events):
    messages = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item["text"] for item in messages if item["type"] == "agent_message"][-1]


def test_codex_works_with_a_tool_over_a_websocket_and_goes_on_in_a_second_run(codex, side):
    call = Call("call_1", "exec_command", {"cmd": "cat note.txt"})
    side.upstream.always = agent(side.says, call)

    first, log = codex(side.model, "What does note.txt say?")
    asked = len(side.requests)
    side.upstream.always = side.says(Said("As I said."))
    second, _ = codex(side.model, "resume", "--last", "Once more?")

    assert OPENED in log
    assert last_words(first) == "The file says token-0badcafe."
    assert asked == 2
    assert "token-0badcafe" in json.dumps(tool_results(side.requests[1]))
    assert last_words(second) == "As I said."
    assert "Once more?" in json.dumps(side.requests[-1]["messages"][-1])

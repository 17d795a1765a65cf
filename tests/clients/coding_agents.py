"""Coding agents, headless, and a scripted model for them that is a function of the request.

Each runs in a HOME of its own and a folder that holds a note; nothing but loopback can be reached.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from running import clean_environment
from scripted_models import Said

from scripted import Reply, json_reply

CLIENTS = Path(__file__).parents[2] / ".cache" / "clients"
PROGRAMS = CLIENTS / "node_modules" / ".bin"
NODE_FOLDER = Path(sys.executable).parent
CLOSED = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
"""Nothing but loopback can be reached."""
TAKES_AT_MOST = 90.0
TOKEN = re.compile(r"token-[0-9a-f]+")


def claude_code(prompt, folder, address, **environment):
    """Runs one prompt to its end in a fresh HOME and folder; the result that it prints."""
    settings = {
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "pointsman",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    arguments = ("-p", prompt, "--output-format", "json", "--allowedTools", "Bash Read")
    return json.loads(_run("claude", arguments, folder, settings | environment))


CODEX_CONFIG = """
model = "{model}"
model_provider = "pointsman"
web_search = "disabled"
[model_providers.pointsman]
name = "pointsman"
base_url = "{address}/v1"
env_key = "POINTSMAN_KEY"
wire_api = "responses"
"""


def codex(prompt, folder, address, model, *, again=False):
    """One prompt of Codex, in a new conversation or in the last one; the events that it prints."""
    settings = folder / "client-home" / ".codex"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "config.toml").write_text(CODEX_CONFIG.format(address=address, model=model))
    conversation = ("resume", "--last") if again else ()
    arguments = ("exec", *conversation, "--skip-git-repo-check", "--json", prompt)
    variables = {"CODEX_HOME": str(settings), "POINTSMAN_KEY": "pointsman"}
    return [json.loads(line) for line in _run("codex", arguments, folder, variables).splitlines()]


GEMINI_SETTINGS = {"security": {"auth": {"selectedType": "gemini-api-key"}}}


def gemini_cli(prompt, folder, address, model, *, again=False):
    """One prompt of Gemini CLI, in a new conversation or in the last one; the result that it prints."""
    settings = folder / "client-home" / ".gemini"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "settings.json").write_text(json.dumps(GEMINI_SETTINGS))
    conversation = ("--resume", "latest") if again else ()
    arguments = ("-p", prompt, "-m", model, "--yolo", "-o", "json", *conversation)
    variables = {
        "GOOGLE_GEMINI_BASE_URL": address,
        "GEMINI_API_KEY": "pointsman",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "PATH": f"{NODE_FOLDER}{os.pathsep}{os.environ['PATH']}",
    }
    return json.loads(_run("gemini", arguments, folder, variables))


def _run(program, arguments, folder, variables):
    """What an agent prints that works in `folder`."""
    home, work = folder / "client-home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    finished = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=work,
        env=clean_environment(**{"HOME": str(home), **CLOSED, **variables}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TAKES_AT_MOST,
        check=False,
    )
    assert finished.stdout, finished.stderr.decode()
    return finished.stdout


def agent(says, call, thinking=None):
    """A model that makes one tool call, and then repeats the token that it finds in the call's result."""

    def answer(seen):
        path = seen.target.partition("?")[0]
        if seen.method != "POST":
            return Reply(404)
        if path.endswith("/count_tokens"):
            return json_reply({"input_tokens": 1000})
        body = seen.json()
        if path.endswith(":countTokens"):
            return json_reply({"totalTokens": 1000})
        if not body.get("tools"):
            return says(Said('{"title": "A file"}'))(seen)
        found = TOKEN.search(json.dumps(tool_results(body)))
        said = (
            Said(f"The file says {found[0]}.")
            if found
            else Said("Let me look.", calls=(call,), thinking=thinking)
        )
        return says(said)(seen)

    return answer


def tool_results(body):
    """The results of tools in a request's history, in any dialect."""
    return [each for find in _RESULTS for each in find(body)]


def _objects(body, name):
    turns = body.get(name)
    return turns if isinstance(turns, list) else []


_RESULTS = (
    lambda body: [turn for turn in _objects(body, "messages") if turn["role"] == "tool"],
    lambda body: [
        block
        for turn in _objects(body, "messages")
        if isinstance(turn["content"], list)
        for block in turn["content"]
        if block["type"] == "tool_result"
    ],
    lambda body: [item for item in _objects(body, "input") if item.get("type", "").endswith("_output")],
    lambda body: [
        part for turn in _objects(body, "contents") for part in turn["parts"] if "functionResponse" in part
    ],
)
"""How each dialect says them."""

"""Claude Code, headless, and a scripted model for it that is a function of the request."""

import json
import re
import subprocess
from pathlib import Path

from running import clean_environment
from scripted_models import Said

from scripted import Reply, json_reply

CLIENTS = Path(__file__).parents[2] / ".cache" / "clients"
CLAUDE = CLIENTS / "node_modules" / ".bin" / "claude"
TAKES_AT_MOST = 90.0
TOKEN = re.compile(r"token-[0-9a-f]+")


def claude_code(prompt, folder, address, **environment):
    """Runs one prompt to its end in a fresh HOME and folder; the result that it prints."""
    home, work = folder / "client-home", folder / "work"
    home.mkdir()
    work.mkdir(exist_ok=True)
    settings = {
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "pointsman",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # Nothing but loopback can be reached.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    finished = subprocess.run(
        [CLAUDE, "-p", prompt, "--output-format", "json", "--allowedTools", "Bash Read"],
        cwd=work,
        env=clean_environment(**settings | environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TAKES_AT_MOST,
        check=False,
    )
    assert finished.stdout, finished.stderr.decode()
    return json.loads(finished.stdout)


def agent(says, call, thinking=None):
    """A model that makes one tool call, and then repeats the token that it finds in the call's result."""

    def answer(seen):
        path = seen.target.partition("?")[0]
        if seen.method != "POST":
            return Reply(404)
        if path.endswith("/count_tokens"):
            return json_reply({"input_tokens": 1000})
        body = seen.json()
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
    """The results of tools among the messages of a request, in either dialect."""
    own = [message for message in body["messages"] if message["role"] == "tool"]
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    return own + blocks

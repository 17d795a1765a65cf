"""Canaries: a key in every place where one can enter, looked for in every place that anything can leave.

Problem 29. The endpoint is a process of its own that says all it can say, and keeps all it can keep.
"""

import base64
import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from contextlib import closing
from http.client import HTTPConnection
from itertools import product
from urllib.parse import quote

import pytest

from pointsman.store.client_keys import FILE, ClientKey, ClientKeys, digest_of
from scripted import Reply, json_reply, sse

WITHIN = 60
CANARIES = {
    "environment": "canary0env08f2k1m5p9q",
    "vault": "sk-canary-vault-7d3n6b4x2z",
    "field": "canary-field-5h8j2k7l1q",
    "custom": "canary-custom-0p3o6i9u2y",
    "cookie": "canary-cookie-8n5b2v7c4x",
    "proxy": "canary-proxy-9w4e6r2t8y",
    "endpoint": "pm-canary-endpoint-3u7i1o5p",
    "wrong": "sk-canary-wrong-6a9s2d4f8g",
    "query": "canary-query-1z5x8c3v7b",
    "own": "sk-ant-canary-own-4n8m2q6w0e",
    "client": "pm-canary-client-2r6t9y3u7i",
    "named": "sk-ant-api03-canary-named-6t4r8e2w0q5z1x7c",
}
"""By the place where each enters."""
CONFIG = """
version = 1
record_content = true
verbose = 2
log_file = "{home}/log.jsonl"

[backends.desk]
provider = "openai-compatible"
base_url = "{url}/v1"
key_env = "CANARY_KEY"
models = ["m"]

[backends.shelf]
provider = "anthropic-compatible"
base_url = "{url}"
key_env = "NOBODY_HAS_THIS"
models = ["claude-m"]

[backends.field]
provider = "openai-compatible"
base_url = "{url}/v1"
models = ["f"]
headers = {{ authorization = "Bearer {field}" }}

[backends.gate]
provider = "openai-compatible"
base_url = "{url}/v1"
models = ["g"]
headers = {{ x-portkey-api-key = "{custom}", cookie = "lang=en; session={cookie}" }}

[backends.far]
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
models = ["x"]
allow_http = true
proxy = "http://somebody:{proxy}@127.0.0.1:9"

[backends.claude]
provider = "anthropic"
base_url = "{url}"
models = ["claude-own"]
"""
TURNS = 7
"""Ways in which an upstream may say a key again."""
ANSWER = {
    "id": "x",
    "type": "message",
    "role": "assistant",
    "content": [],
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    "data": [],
    "input_tokens": 1,
}
"""What is an answer in each API."""
HELLO = [{"role": "user", "content": "Hello"}]


def spellings(canary):
    """The forms in which it could be found."""
    plain = canary.encode()
    yield plain
    yield quote(canary, safe="").encode()
    yield plain.hex().encode()
    yield plain[::-1]
    for shift in range(3):
        # Whatever stands before it, its middle is spelled in one of three ways.
        yield base64.b64encode(b"\0" * shift + plain)[4:-4]


def found(data, *but):
    """The places whose keys stand in it."""
    return {
        place
        for place, canary in CANARIES.items()
        if place not in but and any(form in data for form in spellings(canary))
    }


def leaking(request):
    """An upstream that repeats in its errors whatever key it was sent, in every way that it can."""
    sent = (request.header("authorization") or request.header("x-api-key") or "").removeprefix("Bearer ")
    gate = request.header("x-portkey-api-key")
    sent = sent or (f"{gate} {request.header('cookie')}" if gate else "")
    told = re.search(rb"turn-(\d)", request.body)
    turn = int(told[1]) if told else sum(request.body[-40:]) % TURNS
    error = {"error": {"message": f"key {sent} is no good", "type": "invalid_request_error", "code": sent}}
    if request.method == "GET" or turn == 0:
        return json_reply(error, 400, (("x-request-id", "r"), ("x-key", sent)))
    if turn == 1:
        return Reply(500, (("content-type", "text/plain"),), f"{quote(sent)} broke".encode())
    if turn == 2:
        return sse(b'{"choices":[{"index":0,"delta":{"content":"x"}}]}', json.dumps(error).encode())
    if turn == 3:
        return json_reply(error)
    if turn == 4:
        coded = (("content-type", "application/json"), ("content-encoding", "gzip"))
        return Reply(400, coded, gzip.compress(json.dumps(error).encode()))
    if turn == 5:
        return json_reply(ANSWER, 200, (("x-request-id", sent), ("x-key", sent)))
    return json_reply(error, 401)


class House:
    """The endpoint's process, and all that it says."""

    def __init__(self, home, tmp_path):
        self.home = home
        self.said = bytearray()
        port_file = tmp_path / "port"
        command = [sys.executable, "-m", "pointsman", "serve", "--port", "0", "--port-file", str(port_file)]
        self._process = subprocess.Popen(
            [*command, "--no-discover"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        end = time.monotonic() + WITHIN
        while not (port_file.exists() and port_file.read_text().endswith("\n")):
            assert self._process.poll() is None, bytes(self.said)
            assert time.monotonic() < end
            threading.Event().wait(0.02)
        self.port = int(port_file.read_text())

    def _listen(self):
        while data := self._process.stdout.read1(65_536):
            self.said += data

    def ask(self, method, target, body=None, **headers):
        """The whole answer, head and body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, target, data, {"content-type": "application/json", **named})
            answer = connection.getresponse()
            head = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
            return f"{answer.status}\n{head}\n\n".encode() + _rest(answer)
        finally:
            connection.close()

    def end(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(WITHIN)
        self._listener.join()
        self._process.stdout.close()


def _rest(answer):
    """What came, though it may break off."""
    pieces = []
    try:
        while piece := answer.read1(65_536):
            pieces.append(piece)
    except OSError:
        pass
    return b"".join(pieces)


@pytest.fixture
def house(home, tmp_path, threaded_upstream, monkeypatch):
    home.mkdir()
    text = CONFIG.format(home=home, url=threaded_upstream.url, **CANARIES)
    (home / "config.toml").write_text(text)
    monkeypatch.setenv("POINTSMAN_SECRETS", "file")
    monkeypatch.setenv("CANARY_KEY", CANARIES["environment"])
    monkeypatch.setenv("POINTSMAN_API_KEY", CANARIES["endpoint"])
    run("accounts", "add", "shelf", "second", "--key-stdin", given=CANARIES["vault"])
    assert any(CANARIES["vault"] in each.read_text() for each in (home / "data").glob("*.json"))
    made = ClientKey("anna", digest_of(CANARIES["client"]), 1.0)
    ClientKeys(home / "data" / FILE).add(made)
    threaded_upstream.always = leaking
    house = House(home, tmp_path)
    yield house
    house.end()


def run(*arguments, given=""):
    """What a command says."""
    command = [sys.executable, "-m", "pointsman", *arguments]
    ended = subprocess.run(command, input=given.encode(), capture_output=True, timeout=WITHIN, check=False)
    return ended.stdout + ended.stderr


BODIES = {
    "/v1/chat/completions": lambda model: {"model": model, "messages": HELLO},
    "/v1/messages": lambda model: {"model": model, "messages": HELLO, "max_tokens": 9},
    "/v1/responses": lambda model: {"model": model, "input": HELLO},
    "/v1/embeddings": lambda model: {"model": model, "input": "Hello"},
    "/v1/messages/count_tokens": lambda model: {"model": model, "messages": HELLO},
}
MODELS = ("desk:m", "shelf:claude-m", "field:f", "gate:g", "far:x", "nobody:x", "claude:claude-own")
PAGES = ("/status", "/accounts", "/analytics", "/metrics", "/v1/models", "/explain?model=m", "/nothing")
OURS = {"x_pointsman_key": CANARIES["endpoint"]}


def traffic(house):
    """Everything that is asked, with keys wherever they can stand; the answers."""
    known = f"{CANARIES['environment']} {CANARIES['vault']} {CANARIES['endpoint']}"
    # Turn by turn: with the last one the accounts are refused, and rest.
    for turn, (path, body), model in product(range(TURNS), BODIES.items(), MODELS):
        more = {"stream": turn % 2 == 0, "metadata": {"note": f"{known} turn-{turn}"}}
        yield house.ask("POST", path, {**body(model), **more}, **OURS)
    for (path, body), model in product(BODIES.items(), MODELS):
        yield house.ask("POST", path, body(model), x_pointsman_key=CANARIES["client"])
        own = {**OURS, "authorization": f"Bearer {CANARIES['own']}"}
        yield house.ask("POST", path, body(model), **own)
    for name in ("authorization", "x_api_key", "x_goog_api_key", "x_pointsman_key"):
        yield house.ask("POST", "/v1/messages", BODIES["/v1/messages"]("desk:m"), **{name: CANARIES["wrong"]})
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    for key in (CANARIES["query"], CANARIES["endpoint"]):
        yield house.ask("POST", f"/v1beta/models/desk:m:generateContent?key={key}", gemini)
    yield from misplaced(house)
    for page in PAGES:
        yield house.ask("GET", page, **OURS)
        yield house.ask("GET", f"{page}{'&' if '?' in page else '?'}key={CANARIES['query']}")


def misplaced(house):
    """A key where a name belongs: one that is known here, and one that is not."""
    for place in ("named", "environment"):
        key = CANARIES[place]
        for path, body in BODIES.items():
            yield house.ask("POST", path, body(key), **OURS)
            yield house.ask("POST", path, body(f"desk:{key}"), **OURS)
            fields = {"prompt_cache_key": key, "user": key, "metadata": {"user_id": key}}
            yield house.ask(
                "POST", path, {**body("desk:m"), **fields}, **OURS, x_session_id=key, session_id=key
            )
        yield house.ask("GET", f"/v1/models/{key}", **OURS)
        yield house.ask("GET", f"/v1/responses/{key}", **OURS)
        yield house.ask("POST", f"/v1beta/models/{key}:generateContent", {"contents": []}, **OURS)


COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("config",),
    ("config", "--json"),
    ("backend", "list", "--json"),
    ("backend", "test", "desk"),
    ("accounts", "list"),
    ("accounts", "list", "--json"),
    ("accounts", "test", "shelf", "second"),
    ("explain", "desk:m", "--json"),
    ("models", "--json"),
    ("ask", "Hi", "-m", "desk:m"),
    ("usage", "--json"),
    ("requests", "--json"),
    ("ledger", "export"),
    ("doctor",),
    ("doctor", "--probe", "--usage", "--json"),
    ("keys", "list", "--json"),
)


def pieces(home):
    """The bodies that are kept, as they are read."""
    with closing(sqlite3.connect(home / "data" / "ledger.db")) as ledger:
        for (data,) in ledger.execute("SELECT data FROM pieces"):
            yield zlib.decompress(data)


def kept(home):
    """What is kept on the disk, but what is a key's own place."""
    own = {"config.toml", "secrets.json"}
    for folder, _, names in os.walk(home):
        for name in set(names) - own:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                yield path, file.read()


def test_problem_29_no_key_leaves_by_any_way(house):
    answers = list(traffic(house))
    told = [(f"pointsman {' '.join(command)}", run(*command)) for command in COMMANDS]
    leaks = {f"an answer: {answer[:200]!r}": found(answer) for answer in answers}
    leaks |= {command: found(said) for command, said in told}
    threading.Event().wait(1.0)
    leaks |= {path: found(data) for path, data in kept(house.home)}
    house.end()
    leaks |= {path: found(data) for path, data in kept(house.home)}
    leaks["standard output and error"] = found(bytes(house.said))
    bodies = [*pieces(house.home)]
    leaks |= {f"a body: {body[:200]!r}": found(body) for body in bodies}

    assert len(answers) > 200
    assert len(bodies) > 50
    assert {where: places for where, places in leaks.items() if places} == {}

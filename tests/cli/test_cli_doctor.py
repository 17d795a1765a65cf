"""`doctor`: each finding by a situation that brings it about, and no key in any of them."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest

from pointsman.ledger.schema import MIGRATIONS
from scripted import json_reply

MODELS = {"object": "list", "data": [{"id": "m-mini"}, {"id": "m-large"}]}
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
WITHIN = 30


@pytest.fixture
def doctor(cli, monkeypatch, tmp_path):
    """What it finds, by what it is about; and its exit status."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def call(*arguments):
        result = cli("doctor", "--json", *arguments)
        facts = json.loads(result.out)
        assert facts["failed"] == (result.status == 1)
        found = {}
        for each in facts["findings"]:
            found.setdefault(each["about"], []).append(each)
        return found, result

    return call


def level(found, about):
    return [each["level"] for each in found[about]]


@pytest.fixture
def desk(config, threaded_upstream, monkeypatch):
    """A backend that answers, with two accounts."""
    monkeypatch.setenv("DESK_KEY", "sk-canary-desk")
    monkeypatch.setenv("SECOND_KEY", "sk-canary-second")
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nkey_env = "DESK_KEY"\n'
        f'base_url = "{threaded_upstream.url}/v1"\n'
        '[backends.desk.accounts.second]\nkey_env = "SECOND_KEY"\n'
    )
    return threaded_upstream


def answers(request):
    return json_reply(MODELS if request.method == "GET" else ANSWER, headers=limits())


def refuses(request):
    message = f"no {request.header('authorization')}"
    return json_reply({"error": {"message": message, "type": "x", "code": "invalid_api_key"}}, 401)


def limits():
    return (("x-ratelimit-limit-requests", "100"), ("x-ratelimit-remaining-requests", "25"))


def test_a_fresh_home_has_nothing_that_failed(doctor):
    found, result = doctor()

    assert result.status == 0
    assert level(found, "configuration") == ["ok"]
    assert level(found, "folders") == ["ok"]
    assert level(found, "endpoint") == ["warn"]
    assert level(found, "ledger") == ["ok"]
    assert found["overhead"][0]["facts"]["added_ms"] < 1000


def test_the_report_for_people_has_a_line_each_and_says_what_mends_it(cli, home):
    home.mkdir()
    (home / "config.toml").write_text("port = 'x'\n")

    told = cli("doctor")

    line = next(each for each in told.out.splitlines() if " configuration " in each)
    assert told.status == 1
    assert line.startswith("FAIL")
    assert "→" in line
    assert "pointsman config check" in line


def test_others_who_may_read_are_told_with_the_command_that_ends_it(doctor, home):
    (home / "data").mkdir(parents=True)
    (home / "data").chmod(0o755)
    (home / "data" / "secrets.json").write_text("{}")
    (home / "data" / "secrets.json").chmod(0o644)

    found, _ = doctor()

    mends = [each["mend"] for each in found["folders"]]
    assert mends == [f"chmod 700 {home}/data", f"chmod 600 {home}/data/secrets.json"]


def test_backends_that_answer_and_one_that_is_dead(doctor, desk, config):
    desk.always = answers
    dead = 'provider = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n'
    config(f"{config()}[backends.dead]\n{dead}")

    found, result = doctor()

    assert level(found, "backend desk") == ["ok"]
    assert "lists 2 models" in found["backend desk"][0]["said"]
    assert level(found, "backend dead") == ["fail"]
    assert "nothing listens there" in found["backend dead"][0]["said"]
    assert found["backend dead"][0]["mend"] == "`pointsman backend test dead`"
    assert result.status == 1


def test_a_refused_key_is_told_and_not_shown(doctor, desk, config):
    desk.always = refuses
    config(config().replace('key_env = "DESK_KEY"', 'key_env = "DESK_KEY"\nmodels = ["m-mini"]'))

    found, result = doctor("--usage")

    assert level(found, "backend desk") == ["fail"]
    assert level(found, "account desk/default") == level(found, "account desk/second") == ["fail"]
    assert "canary" not in result.out + result.err


def test_a_probe_has_one_token_written_by_a_small_model(doctor, desk):
    desk.always = answers

    found, _ = doctor("--probe")

    assert level(found, "backend desk") == ["ok"]
    assert "m-mini wrote a token" in found["backend desk"][0]["said"]


def test_usage_tells_what_is_left_of_each_account(doctor, desk, config):
    desk.always = answers
    config(config().replace('key_env = "DESK_KEY"', 'key_env = "DESK_KEY"\nmodels = ["m-mini"]'))

    found, _ = doctor("--usage")

    for account in ("default", "second"):
        (each,) = found[f"account desk/{account}"]
        assert each["facts"] == {"windows": {"requests": 0.75}, "claim": None, "bucket": "api"}
        assert "requests 75% used" in each["said"]
        assert "billed to api" in each["said"]


def test_a_clock_that_is_wrong_is_told(doctor, desk):
    late = json_reply(MODELS, headers=(("date", "Mon, 01 Jan 2024 00:00:00 GMT"),))
    desk.always = late

    found, _ = doctor()

    assert level(found, "clock") == ["warn"]
    assert "earlier than here" in found["clock"][0]["said"]


def test_a_port_that_another_program_has_is_told(doctor, config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config(f'version = 1\nport = {port}\nhost = "127.0.0.1"\n')

        found, _ = doctor()

    assert level(found, "port") == ["fail"]
    assert "another program" in found["port"][0]["said"]


def test_a_broken_ledger_is_told(doctor, home):
    (home / "data").mkdir(parents=True, mode=0o700)
    (home / "data" / "ledger.db").write_bytes(b"no database" * 500)

    found, _ = doctor()

    assert level(found, "ledger") == ["fail"]
    assert "begun anew" in found["ledger"][0]["mend"]


def test_what_the_ledger_lost_is_told(doctor, cli, home):
    (home / "data").mkdir(parents=True, mode=0o700)
    with closing(sqlite3.connect(home / "data" / "ledger.db")) as connection:
        for statement in (each for migration in MIGRATIONS for each in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("INSERT INTO runs VALUES ('r', 1.0, 5, 2, 3)")
        connection.commit()

    found, _ = doctor()

    assert level(found, "ledger") == ["ok", "warn"]
    assert "2 exchanges were dropped, 3 lost" in found["ledger"][1]["said"]


def test_installed_clients_are_told_with_where_they_lead(doctor, tmp_path, monkeypatch):
    person, programs = tmp_path / "person", tmp_path / "bin"
    (person / ".claude").mkdir(parents=True)
    programs.mkdir()
    for name in ("claude", "codex", "gemini"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    settings = {"env": {"ANTHROPIC_BASE_URL": "http://localhost:3456", "TOKEN": "sk-canary-theirs"}}
    (person / ".claude" / "settings.json").write_text(json.dumps(settings))
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://elsewhere.example")

    found, result = doctor()

    assert level(found, "client claude-code") == ["ok"]
    assert level(found, "client codex") == ["warn"]
    assert "does not lead here" in found["client codex"][0]["said"]
    assert "leads elsewhere, by GOOGLE_GEMINI_BASE_URL" in found["client gemini-cli"][0]["said"]
    assert "canary" not in result.out


@pytest.mark.parametrize(
    ("own", "sent", "expected", "said"),
    [
        ("pm-canary-own", ("x-api-key", "pm-canary-own"), "ok", "match"),
        ("pm-canary-own", ("authorization", "Bearer sk-canary-other"), "fail", "mismatch"),
        ("pm-canary-own", None, "fail", "none"),
        (None, None, "ok", "none"),
    ],
)
def test_the_check_of_a_client_s_key_tells_what_is_really_sent(own, sent, expected, said, monkeypatch):
    environment = {**os.environ, **({} if own is None else {"POINTSMAN_API_KEY": own})}
    command = [sys.executable, "-m", "pointsman", "doctor", "--auth-check", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    address = process.stderr.readline().decode().rsplit("//", 1)[1].strip()
    connection = HTTPConnection(address, timeout=WITHIN)
    fields = {"user-agent": "claude-cli/2", **(dict([sent]) if sent else {})}
    connection.request("POST", "/v1/messages", b"{}", fields)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    out, err = process.communicate(timeout=WITHIN)

    (finding,) = json.loads(out)["findings"]
    assert (finding["level"], answer.status) == (expected, 401)
    assert finding["said"].startswith(said)
    assert "POST /v1/messages of claude-cli/2" in finding["said"]
    assert "has heard this request" in told["error"]["message"]
    assert b"canary" not in out + err
    assert process.returncode == (0 if expected == "ok" else 1)


def test_nobody_who_comes_is_told(cli):
    told = cli("doctor", "--auth-check", "--timeout", "0.1")

    assert told.status == 1
    assert "nobody came within 0.1 s" in told.out


@pytest.mark.parametrize("client", ["claude-code", "codex", "gemini-cli", "aider"])
def test_a_client_s_first_requests_are_replayed(doctor, desk, client):
    desk.always = answers

    found, result = doctor("--client", client, "-m", "desk:m-mini")

    assert result.status == 0
    assert level(found, f"{client}: answer")[0] == "ok"
    assert level(found, f"{client}: models")[0] == "ok"
    assert any(request.method == "POST" for request in desk.requests)


def test_a_client_that_is_not_known_is_told_with_the_nearest(cli):
    told = cli("doctor", "--client", "claude-cod")

    assert told.status == 2
    assert "the nearest is claude-code" in told.err


def test_a_running_endpoint_is_told_with_its_traffic(doctor, desk, tmp_path):
    desk.always = answers
    file = tmp_path / "port"
    command = [sys.executable, "-m", "pointsman", "serve", "--port", "0", "--port-file", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + WITHIN
        while not file.exists() and time.monotonic() < end:
            threading.Event().wait(0.02)
        found, _ = doctor()
    finally:
        process.terminate()
        process.wait(WITHIN)

    assert level(found, "endpoint")[0] == "ok"
    assert f"process {process.pid}" in found["endpoint"][0]["said"]
    assert "0 requests" in found["traffic"][0]["said"]
    assert "port" not in found

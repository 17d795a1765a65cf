"""`pointsman doctor` as a whole: its report, its exit status, its modes, and what never stands in it."""

import json
import re
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection

import pytest

from pointsman.cli.checks.auth_check import Listener, judge, sent_of
from pointsman.config.shipped import clients
from pointsman.server.guard import Admission
from pointsman.store.client_keys import ClientKey, digest_of
from scripted import json_reply

CANARY = "sk-canary-5d8f2h7j1k9l"
WITHIN = 30
BROKEN = {"error": {"message": f"the key {CANARY} is no good", "type": "x", "code": CANARY}}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")


def doctor(*arguments):
    """The command as a process: its status, what it printed, what it said beside that."""
    command = [sys.executable, "-m", "pointsman", "doctor", *arguments]
    ended = subprocess.run(command, capture_output=True, timeout=WITHIN, check=False, text=True)
    return ended.returncode, ended.stdout, ended.stderr


def test_a_whole_report_is_a_line_for_each_thing_and_has_no_failure():
    status, out, _ = doctor()

    lines = [line for line in out.splitlines() if line]
    assert status == 0, out
    assert all(re.match(r"(ok|warn|fail)  |      → |\d+ ok, ", line) for line in lines)
    for what in ("version", "config", "folder data", "port", "ledger", "embedded model", "overhead"):
        assert f"  {what}: " in out


def test_machines_get_the_same_as_json():
    status, out, _ = doctor("--json")

    told = json.loads(out)
    assert status == 0
    assert told["counts"]["fail"] == 0
    assert {each["level"] for each in told["findings"]} <= {"ok", "warn", "fail"}
    assert sum(told["counts"].values()) == len(told["findings"])


def test_a_failure_is_the_exit_status_and_names_what_mends_it(config):
    config("port = 'x'\n")

    status, out, _ = doctor()

    assert status == 1
    assert "fail  config: " in out
    assert "→ correct the file" in out
    assert "Traceback" not in out


def test_no_key_stands_in_any_report(config, monkeypatch, threaded_upstream):
    threaded_upstream.always = json_reply(BROKEN, 400)
    monkeypatch.setenv("DESK_KEY", CANARY)
    monkeypatch.setenv("POINTSMAN_API_KEY", "pm-canary-3u7i1o5p8a")
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nkey_env = "DESK_KEY"\n'
        f'base_url = "{threaded_upstream.url}/v1"\nmodels = ["m"]\n'
        f'[backends.field]\nprovider = "openai-compatible"\nbase_url = "{threaded_upstream.url}/v1"\n'
        f'headers = {{ authorization = "Bearer canary-field-5h8j2k" }}\n'
    )

    runs = (("--probe", "--usage"), ("--probe", "--json"), ("--client", "codex"))
    said = "".join(out + err for _, out, err in (doctor(*words) for words in runs))

    assert "probe desk" in said
    assert "canary" not in said


def test_a_probe_says_beforehand_that_it_may_cost():
    _, _, err = doctor("--probe")

    assert "may cost a fraction of a cent" in err


@pytest.mark.parametrize("name", [each.name for each in clients().values() if each.handshake])
def test_a_handshake_is_replayed_before_a_stand_in(cli, name):
    result = cli("doctor", "--client", name)

    steps = len(clients()[name].handshake)
    assert result.status == 0, result.out
    assert f"\n{1 + steps} ok, 0 to look at, 0 failed" in result.out


def test_an_unknown_client_is_refused_with_the_nearest(cli):
    result = cli("doctor", "--client", "claude-cod")

    assert result.status == 2
    assert "claude-code" in result.err


def listened(seconds, *requests):
    """What a listener takes of some requests."""
    listener = Listener()
    told = []
    thread = threading.Thread(target=lambda: told.append(listener.wait(seconds)))
    thread.start()
    for method, path, fields in requests:
        connection = HTTPConnection(listener.url.removeprefix("http://"), timeout=WITHIN)
        connection.request(method, path, b"{}" if method == "POST" else None, fields)
        connection.getresponse().read()
        connection.close()
    thread.join(WITHIN)
    return told[0]


KEY = "pm-canary-3u7i1o5p8a"
KEYED = Admission(key=KEY.encode())


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/messages", {"x-api-key": KEY}),
        ("/v1/messages", {"Authorization": f"Bearer {KEY}"}),
        (f"/v1beta/models/m:generateContent?key={KEY}", {}),
    ],
)
def test_a_key_that_opens_this_endpoint_is_a_match(path, fields):
    sent = listened(WITHIN, ("HEAD", "/", {}), ("POST", path, fields))

    found = judge(sent, KEYED, WITHIN)

    assert [each.level for each in found] == ["ok", "ok"]
    assert "match" in found[1].why
    assert KEY not in repr(found)


def test_another_key_is_a_mismatch_of_which_three_characters_are_told():
    found = judge(sent_of("POST", "/v1/messages", [("X-Api-Key", CANARY)]), KEYED, 1)

    assert found[1].level == "fail"
    assert f"mismatch: x-api-key, {len(CANARY)} characters that begin with sk- " in found[1].why
    assert CANARY[:4] not in repr(found)


def test_of_a_short_value_nothing_is_told():
    found = judge(sent_of("POST", "/", [("authorization", "Basic abcdef")]), KEYED, 1)

    assert "Basic, 6 characters is" in found[1].why
    assert "abc" not in repr(found)


def test_a_request_without_a_credential_is_none():
    assert "none:" in judge(sent_of("POST", "/", [("host", "x")]), KEYED, 1)[1].why


def test_any_key_will_do_where_none_is_asked_for():
    assert judge(sent_of("POST", "/", [("x-api-key", "pointsman")]), Admission(), 1)[1].level == "ok"
    assert judge(sent_of("POST", "/", []), Admission(), 1)[1].level == "warn"


ANNA = ClientKey("anna", digest_of("pm-of-anna-0123456789"), 1.0)


@pytest.mark.parametrize(
    ("admission", "fields", "levels", "words"),
    [
        (KEYED, [("api-key", KEY)], ["fail"], "where no key is looked for"),
        (KEYED, [("x-api-key", f"Bearer {KEY}")], ["ok"], "match"),
        (
            KEYED,
            [("authorization", "Bearer sk-other-0123456789"), ("x-api-key", KEY)],
            ["ok", "ok"],
            "beside it",
        ),
        (Admission(clients={ANNA.digest: ANNA}), [("x-api-key", "pm-unknown-1")], ["fail"], "mismatch"),
        (Admission(clients={ANNA.digest: ANNA}), [("x-api-key", "pointsman")], ["fail"], "mismatch"),
        (Admission(clients={ANNA.digest: ANNA}), [], ["fail"], "none"),
    ],
)
def test_the_verdict_is_the_endpoint_s_own(admission, fields, levels, words):
    found = judge(sent_of("POST", "/v1/messages", fields), admission, 1)

    assert [each.level for each in found[1:]] == levels
    assert words in found[1].why


def test_silence_is_a_time_out_with_exit_status_1():
    status, out, err = doctor("--auth-check", "--timeout", "0.3")

    assert status == 1
    assert "time-out" in out
    assert "http://127.0.0.1:" in err


@pytest.fixture
def served(config, tmp_path, threaded_upstream, monkeypatch):
    """An endpoint that runs and asks for a key."""
    threaded_upstream.always = json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\n'
        f'base_url = "{threaded_upstream.url}/v1"\n'
    )
    monkeypatch.setenv("POINTSMAN_API_KEY", KEY)
    file = tmp_path / "port"
    command = [sys.executable, "-m", "pointsman", "serve", "--port", "0", "--port-file", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + WITHIN
    while not (file.exists() and file.read_text().endswith("\n")):
        assert process.poll() is None
        assert time.monotonic() < end
        threading.Event().wait(0.02)
    yield int(file.read_text())
    process.terminate()
    process.wait(WITHIN)


def test_the_endpoint_that_runs_is_asked(served):
    status, out, _ = doctor()

    assert status == 0, out
    assert f"ok    port: http://localhost:{served} is a pointsman's" in out
    assert "ok    next default: desk:m by account default" in out
    assert re.search(r"ok    ledger: .*ledger.db opens", out)


def test_an_endpoint_whose_key_is_not_set_here_is_told(served, monkeypatch):
    monkeypatch.delenv("POINTSMAN_API_KEY")

    status, out, _ = doctor()

    assert status == 0, out
    assert "warn  endpoint: " in out


def test_a_handshake_without_the_key_fails_at_the_endpoint_that_runs(served, monkeypatch):
    monkeypatch.setenv("POINTSMAN_API_KEY", "pm-another-1a2b3c4d5e")

    status, out, _ = doctor("--client", "codex", "-m", "desk:m")

    assert status == 1
    assert "fail  codex models: GET /v1/models?client_version=1 answers 401" in out
    assert KEY not in out


@pytest.mark.parametrize(("revoked", "level"), [(None, "ok"), (2.0, "fail")])
def test_a_client_s_own_key_is_told_by_its_name(revoked, level):
    key = "pm-canary-of-anna-0123456789"
    anna = ClientKey("anna", digest_of(key), 1.0, revoked=revoked)
    admission = Admission(key=KEY.encode(), clients={anna.digest: anna})

    found = judge(sent_of("POST", "/", [("x-api-key", key)]), admission, 1)

    assert found[1].level == level
    assert "the client key anna" in found[1].why
    assert "canary" not in found[1].why

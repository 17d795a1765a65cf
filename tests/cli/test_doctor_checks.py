"""What `pointsman doctor` finds, each by a situation that was made for it."""

import os
import socket
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from msgspec import structs

from pointsman.cli.checks import (
    backends,
    client_files,
    clients,
    configuration,
    embedded_model,
    folders,
    ledger,
    machine,
    overhead,
    pool,
    port,
    real_requests,
    signed_in,
)
from pointsman.cli.checks.scene import look_around
from pointsman.config.endpoint_file import Endpoint
from pointsman.ledger.schema import FILE
from scripted import json_reply

SETTINGS = 'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nbase_url = "{url}/v1"\n'
LISTED = {"object": "list", "data": [{"id": "m1", "object": "model"}]}
SAID = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@pytest.fixture
def find(monkeypatch):
    """What a check finds, by what it looked at."""
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")

    def call(check):
        return {each.what: each for each in check(look_around())}

    return call


@pytest.fixture
def desk(config, threaded_upstream):
    config(SETTINGS.format(url=threaded_upstream.url))
    return threaded_upstream


def test_a_report_begins_with_versions(find):
    found = find(machine.check)

    assert {each.level for each in found.values()} == {"ok"}
    assert "Python" in found["python"].why


def test_another_version_that_runs_is_told():
    old = Endpoint(pid=1, host="127.0.0.1", port=9, started=0.0, instance="x", version="0.0.1")
    scene = look_around()
    other = type(scene)(scene.environment, scene.paths, (old,))

    found = next(each for each in machine.check(other) if each.what == "version")

    assert (found.level, "0.0.1" in found.why) == ("warn", True)


def test_a_configuration_that_does_not_load_fails_with_its_line(find, config):
    config("port = 'x'\n")

    found = find(configuration.check)["config"]

    assert found.level == "fail"
    assert "line 1" in found.why
    assert "config check" in found.mend


def test_each_value_that_is_set_is_told_with_its_source(find, config, monkeypatch):
    config("version = 1\nport = 4000\n")
    monkeypatch.setenv("POINTSMAN_MAX_ATTEMPTS", "2")

    found = find(configuration.check)

    assert not any("max_in_flight" in what for what in found)
    assert found["config port"].why.startswith("4000 (from ")
    assert "POINTSMAN_MAX_ATTEMPTS" in found["config max_attempts"].why


def test_an_unknown_variable_is_told(find, monkeypatch):
    monkeypatch.setenv("POINTSMAN_PROT", "1")

    assert find(configuration.check)["config"].level == "warn"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_folder_and_a_file_that_others_may_read_are_told_with_the_command(find, home):
    (home / "data").mkdir(parents=True)
    (home / "data").chmod(0o755)
    (home / "data" / "secrets.json").write_text("{}")
    (home / "data" / "secrets.json").chmod(0o644)

    found = find(folders.check)

    assert found["folder data"].mend == f"chmod 700 {home}/data"
    assert found["file secrets.json"].mend == f"chmod 600 {home}/data/secrets.json"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_private_folders_and_files_are_well(find, home):
    for name in ("data", "cache", "run"):
        (home / name).mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (home / "data" / "secrets.json").touch(mode=0o600)

    assert {each.level for each in find(folders.check).values()} == {"ok"}


def test_a_file_in_a_folders_place_fails(find, home):
    home.mkdir()
    (home / "data").write_text("")

    assert find(folders.check)["folder data"].level == "fail"


def test_a_port_that_another_program_holds_fails(find, monkeypatch, threaded_upstream):
    threaded_upstream.then(json_reply({"name": "somebody"}))
    monkeypatch.setenv("POINTSMAN_PORT", str(threaded_upstream.port))

    found = find(port.check)["port"]

    assert found.level == "fail"
    assert f"--port {threaded_upstream.port + 1}" in found.mend
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in found.why


def test_a_pointsman_that_is_not_known_here_is_no_stranger(find, monkeypatch, threaded_upstream):
    threaded_upstream.then(json_reply({"name": "pointsman", "status": "ok"}))
    monkeypatch.setenv("POINTSMAN_PORT", str(threaded_upstream.port))

    assert find(port.check)["port"].level == "warn"


def test_a_free_port_is_well(find, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    monkeypatch.setenv("POINTSMAN_PORT", str(free))

    assert find(port.check)["port"].level == "ok"


def test_a_backend_that_lists_its_models_is_well_and_so_is_the_clock(find, desk):
    desk.always = json_reply(LISTED, headers=(("date", format_datetime(datetime.now(UTC), usegmt=True)),))

    found = find(backends.check)

    assert found["backend desk"].level == "ok"
    assert "1 model" in found["backend desk"].why
    assert found["clock"].level == "ok"


@pytest.mark.parametrize(("seconds", "level"), [(120, "warn"), (3600, "fail"), (-3600, "fail")])
def test_a_clock_that_goes_wrong_is_told(find, desk, seconds, level):
    then = datetime.now(UTC) + timedelta(seconds=seconds)
    desk.always = json_reply(LISTED, headers=(("date", format_datetime(then, usegmt=True)),))

    found = find(backends.check)["clock"]

    assert found.level == level
    assert ("behind" in found.why) == (seconds > 0)


def test_a_date_that_is_none_is_passed_over(find, desk):
    desk.always = json_reply(LISTED, headers=(("date", "yesterday"),))

    assert "clock" not in find(backends.check)


def test_a_dead_backend_fails(find, config):
    config(SETTINGS.format(url="http://127.0.0.1:9"))

    found = find(backends.check)["backend desk"]

    assert found.level == "fail"
    assert "not reached" in found.why


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_fails(find, desk, status):
    desk.always = json_reply({"error": {"message": "no"}}, status)

    found = find(backends.check)["backend desk"]

    assert (found.level, "key is refused" in found.why) == ("fail", True)


def test_a_backend_that_is_out_of_order_is_to_be_looked_at(find, desk):
    desk.always = json_reply({"error": {"message": "no"}}, 500)

    assert find(backends.check)["backend desk"].level == "warn"


def test_a_backend_without_its_key_fails_and_nothing_is_asked(find, config, threaded_upstream):
    config(f'version = 1\n[backends.far]\nprovider = "openai"\nbase_url = "{threaded_upstream.url}"\n')

    found = find(backends.check)["backend far"]

    assert found.level == "fail"
    assert found.mend == "`pointsman accounts add far`"
    assert threaded_upstream.requests == []


def test_without_a_backend_it_says_how_to_get_one(find):
    assert "backend add" in find(backends.check)["backends"].mend


def test_the_pool_tells_each_account_and_who_serves_next(find, config):
    config(SETTINGS.format(url="http://127.0.0.1:9") + 'models = ["m1"]\n')

    found = find(pool.check)

    assert found["account desk/default"].level == "ok"
    assert found["next default"].why == "desk:m1 by account default"


def test_who_serves_next_follows_from_the_list_of_models(find, desk, monkeypatch):
    desk.always = json_reply(LISTED)
    scene = look_around()

    found = {each.what: each for check in (backends.check, pool.check) for each in check(scene)}

    assert found["next default"].why == "desk:m1 by account default"


def test_an_account_without_a_key_is_told_with_what_to_do(find, config):
    config('version = 1\n[backends.far]\nprovider = "openai"\nmodels = ["m"]\n')

    found = find(pool.check)

    assert found["account far/default"].mend == "`pointsman accounts add far`"
    assert found["next default"].level == "warn"


def test_a_corrupt_sign_in_fails_and_names_the_command(find, home):
    from pointsman.accounts.oauth.record import SignInFile

    file = SignInFile(home / "data", "openrouter").path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{")

    found = find(signed_in.check)["sign-in openrouter"]

    assert found.level == "fail"
    assert "login" in found.mend


def test_a_ledger_that_is_no_database_fails(find, home):
    (home / "data").mkdir(parents=True)
    (home / "data" / FILE).write_bytes(b"no database at all" * 100)

    found = find(ledger.check)["ledger"]

    assert found.level == "fail"
    assert "mv " in found.mend


def test_a_ledger_of_a_newer_version_fails(find, home):
    (home / "data").mkdir(parents=True)
    connection = sqlite3.connect(home / "data" / FILE)
    connection.execute("PRAGMA user_version = 999")
    connection.close()

    assert "newer" in find(ledger.check)["ledger"].why


def test_the_ledger_tells_its_records_and_what_was_lost(find, home):
    from pointsman.ledger.schema import MIGRATIONS

    (home / "data").mkdir(parents=True)
    connection = sqlite3.connect(home / "data" / FILE)
    for statement in (statement for migration in MIGRATIONS for statement in migration):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("INSERT INTO runs VALUES ('r', 1.0, 5, 2, 3)")
    connection.commit()
    connection.close()

    found = [each for each in ledger.check(look_around()) if each.what == "ledger"]

    assert [each.level for each in found] == ["ok", "warn"]
    assert "0 records" in found[0].why
    assert "2 exchanges" in found[1].why


def test_missing_weights_are_told_with_the_command(find, monkeypatch, tmp_path):
    monkeypatch.setattr(embedded_model, "platform_cache", lambda: tmp_path / "nowhere")
    monkeypatch.setattr(embedded_model, "ENGINE", "json")

    assert find(embedded_model.check)["embedded model"].mend == "`pointsman weights fetch`"


def test_a_machine_without_the_engine_is_told(find, monkeypatch):
    monkeypatch.setattr(embedded_model, "ENGINE", "no_such_engine")

    assert "not installed" in find(embedded_model.check)["embedded model"].why


def test_the_overhead_is_measured():
    added, cpu = overhead.measure()

    assert 0 <= added < 1000
    assert 0 < cpu < 1_000_000


def test_a_probe_tells_status_time_and_model(find, desk, config):
    config(SETTINGS.format(url=desk.url) + 'models = ["m1"]\n')
    desk.always = json_reply(SAID)

    found = find(real_requests.probe)["probe desk"]

    assert found.level == "ok"
    assert found.why.startswith("status 200, m1 answered in ")
    assert desk.requests[0].json()["max_tokens"] == 1


def test_a_probe_that_is_refused_fails_with_its_status(find, desk, config):
    config(SETTINGS.format(url=desk.url) + 'models = ["m1"]\n')
    desk.always = json_reply({"error": {"message": "no credit"}}, 402)

    found = find(real_requests.probe)["probe desk"]

    assert found.level == "fail"
    assert "402" in found.why


def test_the_cheapest_model_is_probed(find, desk, config):
    prices = '[prices."dear"]\ninput = 9\noutput = 9\n[prices."cheap"]\ninput = 1\noutput = 1\n'
    config(SETTINGS.format(url=desk.url) + 'models = ["dear", "cheap"]\n' + prices)
    desk.always = json_reply(SAID)

    find(real_requests.probe)

    assert desk.requests[0].json()["model"] == "cheap"


CLAIMS = (
    ("anthropic-ratelimit-unified-status", "allowed"),
    ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
    ("anthropic-ratelimit-unified-5h-reset", "4102444800"),
)


@pytest.mark.parametrize(
    ("claim", "level", "bucket"),
    [("five_hour", "ok", "subscription"), ("overage", "warn", "extra_usage")],
)
def test_usage_tells_windows_claim_and_bucket(
    find, config, threaded_upstream, monkeypatch, claim, level, bucket
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary-2k4j6h8f0d")
    config(
        'version = 1\n[backends.claude]\nprovider = "anthropic"\nmodels = ["claude-m"]\n'
        f'base_url = "{threaded_upstream.url}"\n'
    )
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-m",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    headers = (*CLAIMS, ("anthropic-ratelimit-unified-representative-claim", claim))
    threaded_upstream.always = json_reply(message, headers=headers)

    found = find(real_requests.usage)["usage claude/default"]

    assert found.level == level
    assert f"claim {claim}, billed to {bucket}" in found.why
    assert "five_hour 25% used, resets 20" in found.why


@pytest.fixture
def machine_with(tmp_path, monkeypatch):
    """A machine with these programs alone, and a user's home of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))

    def install(*names):
        for name in names:
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)
        return tmp_path

    return install


def test_a_client_that_points_here_by_its_variable_is_well(find, machine_with, monkeypatch):
    machine_with("claude")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:3456")

    assert find(clients.check)["client claude-code"].level == "ok"


def test_a_client_that_points_elsewhere_is_told_without_what_may_be_secret(find, machine_with, monkeypatch):
    machine_with("claude")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://me:canary@elsewhere.example/x?key=canary")

    found = find(clients.check)["client claude-code"]

    assert found.level == "warn"
    assert "elsewhere.example" in found.why
    assert "canary" not in f"{found.why} {found.mend}"
    assert "export ANTHROPIC_BASE_URL=http://localhost:3456" in found.mend


def test_a_client_that_points_nowhere_is_told(find, machine_with):
    machine_with("gemini")

    assert "nothing points it here" in find(clients.check)["client gemini-cli"].why


def test_a_client_whose_settings_cannot_be_read_names_its_guide(find, machine_with):
    machine_with("cursor")

    assert "docs/clients/cursor.md" in find(clients.check)["client cursor"].why


def test_a_machine_without_clients_says_so(find, machine_with):
    machine_with()

    assert find(clients.check)["clients"].level == "ok"


FILES = [
    (
        "claude",
        "claude-code",
        ".claude/settings.json",
        '{"env": {"ANTHROPIC_BASE_URL": "http://localhost:3456"}}',
    ),
    ("codex", "codex", ".codex/config.toml", '[model_providers.p]\nbase_url = "http://127.0.0.1:3456/v1"\n'),
    ("aider", "aider", ".aider.conf.yml", "openai-api-base: http://localhost:3456/v1\n"),
    (
        "opencode",
        "opencode",
        ".config/opencode/opencode.json",
        '{\n// mine\n"provider": {"p": {"options": {"baseURL": "http://localhost:3456/v1"}}}}',
    ),
    ("cn", "continue", ".continue/config.yaml", "models:\n  - apiBase: 'http://localhost:3456/v1'\n"),
]


@pytest.mark.parametrize(("command", "name", "file", "text"), FILES, ids=[each[1] for each in FILES])
def test_a_client_that_points_here_by_its_file_is_well(find, machine_with, command, name, file, text):
    path = machine_with(command) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

    assert find(clients.check)[f"client {name}"].level == "ok"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff", '{"env": 7}', '{"env": [{"a": 1}]}'])
def test_a_broken_settings_file_is_read_as_nothing(tmp_path, text):
    file = tmp_path / "settings.json"
    file.write_text(text)

    assert client_files.addresses(file, ("env.A", "*.b")) == []


@pytest.mark.parametrize(
    ("warning", "mend"),
    [
        ("an answer was billed to `api`, which you do not pay for; plan is halted: …", "pointsman resume"),
        ("the price of m is not known, so money budgets do not count it", "prices"),
        ("3 exchanges left no record, since it could not be written in time", "pointsman ledger path"),
        ("`port` has been changed, which holds from the next start", "start the endpoint again"),
        ("x.toml: line 3; the configuration from before the edit stays in force", "pointsman config check"),
    ],
)
def test_what_the_endpoint_warns_of_is_told_with_what_mends_it(find, config, monkeypatch, warning, mend):
    config("version = 1\n")
    seen = structs.replace(look_around(), status={"warnings": [warning]})

    (told,) = [each for each in configuration.check(seen) if each.what == "endpoint"]

    assert told.why == warning
    assert mend in told.mend

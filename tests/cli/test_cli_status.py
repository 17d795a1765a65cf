"""`pointsman status`, `models` and `explain` where no endpoint runs, and where one did."""

import json
import os

import pytest

from pointsman.cli.output import age
from pointsman.config.endpoint_file import Endpoint, write_endpoint
from scripted import json_reply

FILE = """\
version = 1
[backends.desk]
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
models = ["m1", "m2"]
"""


@pytest.mark.parametrize("words", [[], ["status"]])
def test_without_an_endpoint_it_says_what_would_be_served_and_what_to_type(cli, words):
    result = cli(*words)

    assert result.status == 0
    assert "pointsman is not running" in result.out
    assert "embedded" in result.out
    assert "pointsman serve" in result.out


def test_machines_get_the_same_as_json(cli, config):
    config(FILE)

    facts = json.loads(cli("status", "--json").out)

    assert facts["running"] is False
    assert [each["name"] for each in facts["backends"]] == ["desk", "embedded"]
    assert facts["default"]["model"] == "m1"


def test_a_broken_configuration_is_shown_with_its_error(cli, config):
    config("port = 'x'\n")

    result = cli("status")

    assert result.status == 2
    assert "line 1" in result.out
    assert json.loads(cli("status", "--json").out)["config_error"]


def stale(home, pid, port):
    record = Endpoint(pid=pid, host="127.0.0.1", port=port, started=0.0, instance="gone")
    write_endpoint(home / "run", record)


def test_the_record_of_a_process_that_is_gone_does_not_count(cli, home):
    stale(home, pid=2**22 + 1, port=9)

    assert "not running" in cli("status").out


def test_another_program_at_the_recorded_port_is_not_taken_for_an_endpoint(cli, home, threaded_upstream):
    threaded_upstream.then(json_reply({"name": "somebody"}))
    stale(home, pid=os.getpid(), port=threaded_upstream.port)

    assert "not running" in cli("status").out


def test_models_are_listed_from_the_configuration_and_it_says_so(cli, config):
    config(FILE)

    result = cli("models")
    facts = json.loads(cli("models", "--json").out)

    assert "no endpoint is running" in result.err
    assert [each["name"] for each in facts["models"]] == ["m1", "m2", "smollm2-135m-instruct", "local"]
    assert facts["models"][0]["backend"] == "desk"


def test_explain_names_the_rule_the_backend_and_who_is_relayed(cli, config):
    config(FILE)

    result = cli("explain", "desk:m2")

    assert result.status == 0
    assert "desk:m2 goes to backend desk" in result.out
    assert "backend prefix" in result.out
    assert "openai_chat" in next(line for line in result.out.splitlines() if "relayed" in line)
    assert "anthropic" in next(line for line in result.out.splitlines() if "translated" in line)


def test_explain_fails_with_advice_where_nothing_serves_the_name(cli):
    result = cli("explain", "gpt-9")

    assert result.status == 1
    assert "OPENAI_API_KEY" in result.err
    assert json.loads(cli("explain", "gpt-9", "--json").out)["found"] is False


def test_a_name_with_line_ends_and_controls_stays_in_its_line(cli, config):
    config(FILE)

    plain = cli("explain", "desk:m2 rule x").out
    odd = cli("explain", "desk:m2\nrule\tx\x1b").out

    assert odd.splitlines() == plain.splitlines()
    assert len(cli("explain", "gpt\n-9\x9b2J").err.splitlines()) == len(
        cli("explain", "gpt-9").err.splitlines()
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (7500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, words):
    assert age(seconds) == words


@pytest.mark.parametrize("model", ["local", "embedded:local"])
def test_the_toy_is_called_one_when_every_request_goes_there(cli, monkeypatch, model):
    monkeypatch.setenv("POINTSMAN_MODEL", model)

    result = cli("status")

    assert f"Default model: {model} (--model)" in result.out
    assert "toy" in result.out


def test_it_is_told_where_responses_are_kept_and_how_to_turn_that_off(cli, config, home):
    config(FILE)

    kept = cli("status").out
    config("responses_store = false\n" + FILE)
    off = cli("status").out

    assert str(home / "data" / "pointsman.db") in kept
    assert "responses_store = false" in kept
    assert "pointsman.db" not in off

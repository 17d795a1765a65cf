"""`pointsman config`."""

import json

FILE = """\
version = 1
port = 4100

[backends.desk]
provider = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
headers = { "x-team" = "canary-header-value" }
"""


def test_it_shows_each_value_and_where_it_came_from(cli, config, monkeypatch):
    config(FILE)
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")

    values = json.loads(cli("config", "--json").out)["values"]

    assert values["port"]["value"] == 4100
    assert values["port"]["source"].endswith("config.toml")
    assert values["discover"] == {"value": False, "source": "POINTSMAN_DISCOVER"}
    assert values["host"]["source"] == "default"


def test_a_person_sees_of_a_backend_what_was_set(cli, config):
    config(FILE)

    shown = cli("config").out

    assert "backends.desk.base_url" in shown
    assert "backends.desk.timeouts.idle" not in shown


def test_neither_header_values_nor_the_endpoints_key_are_shown(cli, config, monkeypatch):
    config(FILE)
    monkeypatch.setenv("POINTSMAN_API_KEY", "canary-endpoint-key")

    shown = cli("config").out + cli("config", "--json").out

    assert "canary" not in shown
    assert "POINTSMAN_API_KEY" in shown


def test_the_path_is_printed_though_nothing_is_there(cli, home):
    assert cli("config", "path").out == f"{home / 'config.toml'}\n"


def test_a_good_file_is_said_to_load(cli, config):
    config(FILE)

    result = cli("config", "check")

    assert result.status == 0
    assert "loads: 2 backends" in result.out


def test_a_machine_reads_what_was_loaded(cli, config):
    config(FILE)

    result = cli("config", "check", "--json")

    assert len(json.loads(result.out)["backends"]) == 2


def test_an_unknown_key_is_refused_with_the_nearest_one(cli, config):
    config("prot = 1\n")

    for words in (["config"], ["config", "check"], ["models"]):
        result = cli(*words)
        assert result.status == 2
        assert "the nearest one is `port`" in result.err
        assert result.out == ""

"""`pointsman backend add` for a cloud: no key is needed, and its places are written down."""

import pytest

from scripted import json_reply

CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13},
}


@pytest.fixture(autouse=True)
def no_clouds(monkeypatch):
    monkeypatch.setenv("POINTSMAN_SECRETS", "file")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "CLOUD_ML_REGION"):
        monkeypatch.delenv(name, raising=False)


def lines(config, name):
    return config().partition(f"[backends.{name}]\n")[2].strip().split("\n")


def test_bedrock_is_added_without_a_key(cli, config):
    result = cli("backend", "add", "bedrock", "--region", "eu-central-1", "--credentials", "work")

    assert result.status == 0
    assert lines(config, "bedrock") == [
        'provider = "bedrock"',
        'region = "eu-central-1"',
        'credentials = "work"',
    ]
    assert "without a key, it uses the cloud's own credentials" in result.out


def test_what_stands_in_this_shells_variables_is_written_down(cli, config, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "rails")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "global")

    assert cli("backend", "add", "vertex").status == 0
    assert lines(config, "vertex") == ['provider = "vertex"', 'region = "global"', 'project = "rails"']


def test_a_region_that_is_not_known_is_asked_for_and_nothing_is_written(cli, home):
    result = cli("backend", "add", "bedrock")

    assert result.status != 0
    assert "AWS_REGION" in result.err
    assert not (home / "config.toml").exists()


def test_a_key_may_be_entered_all_the_same(cli, config, home):
    result = cli("backend", "add", "bedrock", "--region", "us-east-1", typed=["bedrock-key"])

    assert "Enter: none, it uses the cloud's own credentials" in result.err
    assert "its key is stored" in result.out
    assert "bedrock-key" in (home / "data" / "secrets.json").read_text()


def test_a_trial_of_a_model_that_converses_goes_the_way_of_a_request(cli, threaded_upstream, monkeypatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key")
    threaded_upstream.then(json_reply(CONVERSED))
    url = threaded_upstream.url
    cli(
        "backend", "add", "bedrock", "--base-url", url, "--region", "eu-central-1", "--model", "amazon.nova-x"
    )

    result = cli("backend", "test", "bedrock")

    assert result.status == 0, result.err
    assert "amazon.nova-x wrote a token" in result.out
    (seen,) = threaded_upstream.requests
    assert seen.target == "/model/amazon.nova-x/converse"
    assert seen.json()["inferenceConfig"] == {"maxTokens": 1}


def test_a_trial_needs_a_model_where_none_is_listed(cli, threaded_upstream):
    cli("backend", "add", "bedrock", "--base-url", threaded_upstream.url, "--region", "eu-central-1")

    result = cli("backend", "test", "bedrock")

    assert result.status != 0
    assert "-m MODEL" in result.out + result.err
    assert threaded_upstream.requests == []


def test_only_wire_apis_of_clients_can_be_asked_in(cli):
    assert "bedrock_converse" not in cli("ask", "--help").out


def test_an_address_that_the_providers_own_tools_read_is_taken_and_written_down(cli, config, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-canary")

    result = cli("backend", "add", "azure")

    assert result.status == 0, result.err
    assert 'base_url = "https://res.openai.azure.com' in config()


def test_the_advice_for_a_backend_without_a_list_names_a_model(cli):
    result = cli("backend", "add", "bedrock", "--region", "eu-central-1")

    assert "pointsman backend test bedrock -m MODEL" in result.out

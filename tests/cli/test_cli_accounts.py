"""`pointsman accounts`: several keys for one backend."""

import json

import pytest

from pointsman.accounts.keyring_store import KeyringStore
from pointsman.canon.errors import SetupError
from scripted import json_reply

KEY = "sk-account-canary-1"
WORK = """# mine
[backends.work] # the office
provider = "openai"
base_url = "{url}/v1"
key_env = "WORK_KEY"
models = ["gpt-x"]
"""


def refuse(*_):
    raise SetupError("the keyring is locked")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("POINTSMAN_SECRETS", "file")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "WORK_KEY", "SECOND_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_an_account_with_a_variable_is_written_down_and_nobody_is_asked(cli, config):
    config(WORK.format(url="http://127.0.0.1:9"))

    result = cli("accounts", "add", "work", "second", "--key-env", "SECOND_KEY")

    assert result.status == 0, result.err
    assert "SECOND_KEY, which is not set here" in result.out
    assert '[backends.work.accounts.second]\nkey_env = "SECOND_KEY"' in config()
    assert "# mine\n" in config()
    assert "[backends.work] # the office\n" in config()


@pytest.mark.parametrize("way", ["typed", "standard input"])
def test_an_entered_key_goes_to_the_vault_and_is_never_shown(cli, config, home, way):
    config(WORK.format(url="http://127.0.0.1:9"))

    if way == "typed":
        result = cli("accounts", "add", "work", "second", typed=[KEY])
    else:
        result = cli("accounts", "add", "work", "second", "--key-stdin", given=f"{KEY}\n")

    assert result.status == 0, result.err
    assert KEY not in result.out + result.err + config()
    assert json.loads((home / "data" / "secrets.json").read_text())["secrets"] == {"work/second": KEY}
    assert "[backends.work.accounts.second]" in config()


def test_a_backend_that_was_only_found_gets_its_table(cli, config, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    config("")

    result = cli("accounts", "add", "openai", "second", "--key-env", "SECOND_KEY")
    listed = json.loads(cli("accounts", "list", "openai", "--json").out)

    assert result.status == 0, result.err
    assert 'provider = "openai"' in config()
    (backend,) = listed["backends"]
    assert [(each["account"], each["key"]) for each in backend["accounts"]] == [
        ("default", "OPENAI_API_KEY"),
        ("second", "missing"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing", "second", "--key-env", "K"),
        ("work", "sec ond", "--key-env", "K"),
        ("work", "second", "--key-env", KEY),
        ("work", "second"),
        ("work", "second", "--key-env", "K", "--key-stdin"),
    ],
    ids=["no such backend", "an odd alias", "a key for a variable", "no key", "two keys"],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(cli, config, arguments):
    before = config(WORK.format(url="http://127.0.0.1:9"))

    result = cli("accounts", "add", *arguments)

    assert result.status == 2
    assert KEY not in result.err
    assert config() == before


def test_an_account_is_removed_with_its_key_but_never_the_last(cli, config, home):
    config(WORK.format(url="http://127.0.0.1:9"))
    cli("accounts", "add", "work", "second", "--key-stdin", given=KEY)

    own = cli("accounts", "remove", "work", "default")
    last = cli("accounts", "remove", "work", "second")
    back = cli("accounts", "add", "work", "default", "--key-env", "WORK_KEY")
    gone = cli("accounts", "remove", "work", "second")
    unknown = cli("accounts", "remove", "work", "second")

    assert [each.status for each in (own, last, back, gone, unknown)] == [0, 2, 0, 0, 2]
    assert "backend remove work" in last.err
    assert "second" not in config()
    assert KEY not in (home / "data" / "secrets.json").read_text()


def test_each_account_is_tried_with_its_own_key(cli, config, threaded_upstream, monkeypatch):
    monkeypatch.setenv("WORK_KEY", "sk-one")
    monkeypatch.setenv("SECOND_KEY", "sk-two")
    config(WORK.format(url=threaded_upstream.url).replace('models = ["gpt-x"]\n', ""))
    cli("accounts", "add", "work", "second", "--key-env", "SECOND_KEY")
    models = {"object": "list", "data": [{"id": "gpt-x", "object": "model"}]}
    refused = {"error": {"message": "revoked", "type": "invalid_request_error"}}
    threaded_upstream.then(json_reply(models), json_reply(refused, 401))

    result = cli("accounts", "test", "work")

    assert result.status == 1
    assert "work/default works" in result.out
    assert "work/second does not work" in result.err
    assert "401" in result.err
    keys = [seen.header("authorization") for seen in threaded_upstream.requests]
    assert keys == ["Bearer sk-one", "Bearer sk-two"]


def test_the_list_is_a_table_with_what_is_known_of_each(cli, config):
    config(WORK.format(url="http://127.0.0.1:9"))
    cli("accounts", "add", "work", "second", "--key-env", "SECOND_KEY")

    result = cli("accounts", "list")

    assert result.status == 0
    assert [line.split()[:2] for line in result.out.splitlines()[1:3]] == [
        ["work", "default"],
        ["work", "second"],
    ]
    assert "no endpoint is running" in result.err


def test_an_account_whose_variable_is_not_set_serves_nobody(cli, config, monkeypatch):
    monkeypatch.setenv("WORK_KEY", "sk-one")
    config(WORK.format(url="http://127.0.0.1:9"))
    cli("accounts", "add", "work", "second", "--key-env", "SECOND_KEY")

    plain = cli("accounts", "list").out.splitlines()[2]
    following = cli("accounts", "list", "work", "--model", "gpt-x").out.splitlines()[2]
    explained = cli("explain", "gpt-x").out

    assert "no key" in plain
    assert "SECOND_KEY is not set" in plain
    assert "no key" in following
    assert "account     second: no key (SECOND_KEY is not set)" in explained
    assert "account     default: free, serves next" in explained


def test_a_list_of_a_backend_that_is_not_there_names_the_nearest(cli, config):
    config(WORK.format(url="http://127.0.0.1:9"))

    unknown = cli("accounts", "list", "worc")
    elsewhere = cli("accounts", "list", "worc", "--model", "gpt-x")

    assert (unknown.status, elsewhere.status) == (2, 2)
    assert "the nearest one is work" in unknown.err
    assert "but to work" in elsewhere.err


def test_a_key_entered_for_the_default_account_goes_before_the_backend_s_variable(
    cli, config, threaded_upstream, monkeypatch
):
    monkeypatch.setenv("WORK_KEY", "sk-of-the-variable")
    config(WORK.format(url=threaded_upstream.url).replace('models = ["gpt-x"]\n', ""))
    threaded_upstream.then(json_reply({"object": "list", "data": [{"id": "gpt-x", "object": "model"}]}))

    cli("accounts", "add", "work", "default", "--key-stdin", given=KEY)
    cli("accounts", "test", "work")

    assert threaded_upstream.requests[0].header("authorization") == f"Bearer {KEY}"


def test_a_backend_whose_clients_bring_their_own_credential_is_not_tested(cli, config):
    table = '[backends.anthropic]\nprovider = "anthropic"\ncredential = "client"\nmodels = ["claude-x"]\n'
    config(table)

    result = cli("accounts", "test")
    (told,) = json.loads(cli("accounts", "test", "--json").out)["accounts"]

    assert result.status == 0
    assert "anthropic/client is not tested: its clients bring their own credential" in result.out
    assert (told["account"], told["works"]) == ("client", None)


@pytest.mark.parametrize(
    ("backend", "why"),
    [("chatgpt", "is a plan, which is one person's"), ("embedded", "runs inside pointsman")],
)
def test_a_plan_has_no_second_account_and_neither_has_the_model_inside(cli, config, home, backend, why):
    before = config("")

    result = cli("accounts", "add", backend, "second", "--key-stdin", given=KEY)

    assert result.status == 2
    assert why in result.err
    assert config() == before
    assert not (home / "data" / "secrets.json").exists()


def test_a_key_that_cannot_be_stored_leaves_no_account(cli, config, monkeypatch):
    monkeypatch.setenv("POINTSMAN_SECRETS", "keyring")
    monkeypatch.setattr(KeyringStore, "put", refuse)
    before = config(WORK.format(url="http://127.0.0.1:9"))

    result = cli("accounts", "add", "work", "second", "--key-stdin", given=KEY)

    assert result.status == 2
    assert config() == before


def test_a_backend_goes_with_the_keys_of_all_its_accounts(cli, config, home):
    config(WORK.format(url="http://127.0.0.1:9"))
    cli("accounts", "add", "work", "second", "--key-stdin", given=KEY)

    cli("backend", "remove", "work")

    assert KEY not in (home / "data" / "secrets.json").read_text()


def test_every_command_has_an_example(cli):
    for words in ((), ("add",), ("remove",), ("list",), ("test",)):
        help_text = cli("accounts", *words, "--help").out
        assert "Example:" in help_text
        assert "pointsman accounts" in help_text

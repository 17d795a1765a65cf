"""`pointsman backend`: what is written, what is refused with nothing changed, and where keys go."""

import json

import keyring
import pytest

from scripted import Reply, json_reply

CANARY = "sk-canary-0123456789abcdef"
URL = "http://127.0.0.1:9/v1"
DESK = ("backend", "add", "desk", "--provider", "openai-compatible", "--base-url", URL)


@pytest.fixture(autouse=True)
def keys_in_the_file(monkeypatch):
    monkeypatch.setenv("POINTSMAN_SECRETS", "file")


@pytest.fixture
def stored(home):
    """The keys in the private file."""

    def read():
        file = home / "data" / "secrets.json"
        return json.loads(file.read_text())["secrets"] if file.exists() else {}

    return read


def test_add_writes_what_was_given_and_nothing_else(cli, config):
    result = cli(*DESK, "--dialect", "openai_chat", "--key-env", "DESK_KEY", "--model", "m1", "--model", "m2")

    assert result.status == 0
    assert config().partition("[backends.desk]")[2].split("\n")[1:] == [
        'provider = "openai-compatible"',
        f'base_url = "{URL}"',
        'dialects = ["openai_chat"]',
        'key_env = "DESK_KEY"',
        'models = ["m1", "m2"]',
        "",
    ]


def test_add_says_that_the_variable_is_not_set_and_what_to_try(cli):
    result = cli(*DESK, "--key-env", "DESK_KEY", "--model", "m1")

    assert "DESK_KEY, which is not set here" in result.out
    assert "pointsman backend test desk" in result.out
    assert "-m desk:m1" in result.out


def test_add_keeps_the_comments_of_the_file(cli, config):
    config("version = 1\n# mine\nport = 4100 # also mine\n")

    cli(*DESK)

    assert config().startswith("version = 1\n# mine\nport = 4100 # also mine\n")


def test_a_name_that_is_a_providers_needs_no_provider(cli, config):
    assert cli("backend", "add", "groq").status == 0
    assert 'provider = "groq"' in config()


REFUSED = {
    "no such dialect": (*DESK[:2], "x", *DESK[3:], "--dialect", "zork"),
    "the embedded model's name": ("backend", "add", "embedded", "--provider", "openai"),
    "no such provider": ("backend", "add", "x", "--provider", "opnai"),
    "no provider": ("backend", "add", "x"),
    "no base URL": ("backend", "add", "x", "--provider", "openai-compatible"),
    "a name with a space": ("backend", "add", "a b", "--provider", "groq"),
    "a URL that is none": ("backend", "add", "x", "--provider", "openai-compatible", "--base-url", "here"),
    "a model file that is none": ("backend", "add", "x", "--gguf", __file__),
    "a key over plain http": (*DESK[:2], "x", *DESK[3:-1], "http://192.0.2.7/v1", "--key", CANARY),
    "a key in a variable's place": ("backend", "add", "groq", "--key-env", CANARY),
    "two places for a key": ("backend", "add", "groq", "--key-env", "A", "--key-stdin"),
    "an empty key": ("backend", "add", "groq", "--key-stdin"),
    "the name is taken": DESK,
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_leaves_the_file_as_it_was(cli, config, stored, words):
    cli(*DESK)
    before = config()

    result = cli(*words)

    assert result.status == 2
    assert config() == before
    assert stored() == {}
    assert CANARY not in result.out + result.err


def test_replace_puts_the_new_one_in_the_old_ones_place(cli, config):
    cli(*DESK, "--model", "m1", "--key-env", "DESK_KEY")

    result = cli(*DESK[:-1], "http://127.0.0.1:10/v1", "--replace")

    assert result.status == 0
    assert ":10/v1" in config()
    assert "m1" not in config()
    assert "DESK_KEY" not in config()


def test_a_key_from_standard_input_is_stored_privately(cli, home, stored):
    result = cli("backend", "add", "groq", "--key-stdin", given=f"{CANARY}\n")

    assert result.status == 0
    assert stored() == {"groq": CANARY}
    assert (home / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_person_is_asked_for_the_key_without_an_echo(cli, stored):
    result = cli("backend", "add", "groq", typed=[CANARY])

    assert "Key for groq" in result.err
    assert stored() == {"groq": CANARY}


@pytest.mark.parametrize(
    "words",
    [("backend", "add", "groq", "--key-env", "UNSET"), ("backend", "add", "ollama")],
    ids=["variable named", "local server"],
)
def test_nothing_is_asked_where_there_is_nothing_to_ask(cli, words):
    result = cli(*words, typed=[])

    assert result.status == 0
    assert "Key for" not in result.err


def test_a_person_may_leave_the_key_to_the_variable(cli, stored):
    result = cli("backend", "add", "groq", typed=[""])

    assert "GROQ_API_KEY" in result.out
    assert stored() == {}


def test_a_key_on_the_command_line_is_taken_with_a_warning(cli, stored):
    result = cli("backend", "add", "groq", "--key", CANARY)

    assert "`ps`" in result.err
    assert stored() == {"groq": CANARY}


def test_adding_again_with_nothing_but_a_key_changes_the_key_alone(cli, config, stored):
    cli("backend", "add", "groq", "--model", "m1")
    before = config()

    result = cli("backend", "add", "groq", "--key-stdin", given=CANARY)

    assert result.status == 0
    assert config() == before
    assert stored() == {"groq": CANARY}


def test_an_entered_key_goes_before_the_providers_usual_variable(cli, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk-other")

    cli("backend", "add", "groq", "--key-stdin", given=CANARY)
    listed = json.loads(cli("backend", "list", "--json").out)

    assert {each["name"]: each["key"] for each in listed["backends"]}["groq"] == "stored"


def test_add_says_which_of_two_keys_is_taken(cli, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk-other")
    monkeypatch.setenv("DESK_KEY", "sk-desk")

    usual = cli("backend", "add", "groq", "--key-stdin", given=CANARY)
    again = cli("backend", "add", "groq", typed=[""])
    cli(*DESK, "--key-stdin", given=CANARY)
    named = cli(*DESK, "--key-env", "DESK_KEY", "--replace")

    assert "its key is stored, and goes before GROQ_API_KEY" in usual.out
    assert "Enter: keep the one that is stored" in again.err
    assert "its key is stored" in again.out
    assert "its key comes from DESK_KEY, which is set, and goes before the stored one" in named.out


def test_a_variable_that_holds_the_banners_words_holds_no_key(cli, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "$POINTSMAN_API_KEY")

    result = cli("backend", "add", "groq")

    assert "GROQ_API_KEY, which is not set here" in result.out


def test_a_backend_named_local_takes_that_name_and_says_so(cli):
    named = cli("backend", "add", "local", "--provider", "ollama")

    assert "`local` means this backend now" in named.out
    assert "`embedded:local`" in named.out
    assert cli("explain", "embedded:local").status == 0


def test_a_stored_key_stays_with_its_server(cli, stored):
    cli(*DESK, "--key-stdin", given=CANARY)
    cli(*DESK, "--model", "m1", "--replace")
    kept = stored()

    cli(*DESK[:-1], "http://127.0.0.1:10/v1", "--replace")

    assert kept == {"desk": CANARY}
    assert stored() == {}


def test_removing_takes_the_key_too(cli, config, stored):
    cli("backend", "add", "groq", "--key-stdin", given=CANARY)

    result = cli("backend", "remove", "groq")

    assert result.status == 0
    assert "groq" not in config()
    assert stored() == {}


def test_the_default_backend_is_not_removed(cli, config):
    config(f'version = 1\ndefault = "desk"\n[backends.desk]\nprovider = "ollama"\nbase_url = "{URL}"\n')

    result = cli("backend", "remove", "desk")

    assert result.status == 2
    assert "`default`" in result.err


def test_what_is_in_no_file_cannot_be_removed_and_it_says_why_it_is_there(cli, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", CANARY)

    result = cli("backend", "remove", "groq")

    assert result.status == 2
    assert "GROQ_API_KEY is set" in result.err


def test_list_says_where_each_key_comes_from(cli, monkeypatch):
    monkeypatch.setenv("DESK_KEY", CANARY)
    cli(*DESK, "--key-env", "DESK_KEY")
    cli("backend", "add", "groq", "--key-stdin", given=CANARY)
    cli("backend", "add", "mistral", "--key-env", "UNSET")

    found = json.loads(cli("backend", "list", "--json").out)["backends"]

    assert {each["name"]: each["key"] for each in found} == {
        "desk": "DESK_KEY",
        "groq": "stored",
        "mistral": "missing",
        "embedded": "none",
    }


def test_no_command_ever_shows_a_key(cli, monkeypatch, stored):
    monkeypatch.setenv("DESK_KEY", CANARY)
    shown = [
        cli(*DESK, "--key-env", "DESK_KEY"),
        cli("backend", "add", "groq", "--key", CANARY),
        cli("backend", "add", "mistral", typed=[CANARY]),
        *(cli(*words) for words in (["status"], ["status", "--json"], ["config"], ["config", "--json"])),
        *(cli(*words) for words in (["backend", "list"], ["backend", "list", "--json"], ["models"])),
        *(cli(*words) for words in (["explain", "desk:m"], ["config", "check"], ["backend", "test", "desk"])),
        cli("service", "install", "--print"),
    ]

    assert len(stored()) == 2
    assert not [each for each in shown if CANARY in each.out + each.err]


def test_a_key_that_the_keyring_did_not_take_is_reported(cli, monkeypatch, config):
    monkeypatch.setenv("POINTSMAN_SECRETS", "keyring")
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)

    result = cli("backend", "add", "groq", "--key-stdin", given=CANARY)

    assert result.status == 1
    assert "its key was not stored" in result.err
    assert CANARY not in result.err


def listing(*names):
    return json_reply({"object": "list", "data": [{"id": name} for name in names]})


@pytest.fixture
def desk(cli, threaded_upstream, monkeypatch):
    """A backend that a scripted server stands for."""
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")
    cli(*DESK[:-1], f"{threaded_upstream.url}/v1", "--key-stdin", given=CANARY)
    return threaded_upstream


def test_adding_contacts_nobody(desk):
    assert desk.requests == []


def test_test_asks_for_the_models_with_the_key(cli, desk):
    desk.then(listing("m1", "m2"))

    result = cli("backend", "test", "desk")

    assert result.status == 0
    assert "desk works: it lists 2 models, in 0." in result.out
    assert desk.requests[0].target == "/v1/models"
    assert ("authorization", f"Bearer {CANARY}") in desk.requests[0].headers


def test_test_has_a_token_written_where_there_is_no_list(cli, desk):
    answer = {"role": "assistant", "content": "h"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m1", "choices": []}
    whole["choices"] = [{"index": 0, "message": answer, "finish_reason": "length"}]
    cli(*DESK[:-1], f"{desk.url}/v1", "--model", "m1", "--replace")
    desk.then(json_reply({}, status=404), json_reply(whole))

    result = cli("backend", "test", "desk")

    assert result.status == 0
    assert "it gives no list of models (status 404" in result.out
    assert "m1 wrote a token" in result.out
    assert desk.requests[1].target == "/v1/chat/completions"
    assert desk.requests[1].json()["model"] == "m1"


def test_test_says_what_it_tried_where_nothing_answers(cli, desk):
    cli(*DESK[:-1], f"{desk.url}/v1", "--model", "m1", "--replace")
    desk.then(json_reply({}, status=404), json_reply({"error": {"message": "overloaded"}}, status=400))

    result = cli("backend", "test", "desk")

    assert result.status == 1
    assert "it gives no list of models" in result.err
    assert "asked for one token, m1 failed: overloaded" in result.err


def test_test_without_a_list_or_a_model_says_how_to_name_one(cli, desk):
    desk.then(json_reply({}, status=404))

    result = cli("backend", "test", "desk")

    assert result.status == 1
    assert "`-m MODEL`" in result.err


FAILURES = {
    "wrong key": (json_reply({"error": {"message": "no"}}, status=401), "check the backend's key"),
    "web page": (Reply(200, (("content-type", "text/html"),), b"<html>"), "check its base URL"),
}


@pytest.mark.parametrize(("reply", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_test_fails_in_words(cli, desk, reply, words):
    desk.then(reply)

    result = cli("backend", "test", "desk")

    assert result.status == 1
    assert "desk does not work" in result.err
    assert words in result.err
    assert CANARY not in result.err


def test_test_of_a_model_gives_the_backends_own_error(cli, desk):
    desk.then(json_reply({"error": {"message": "the model m9 does not exist"}}, status=404))

    result = cli("backend", "test", "desk", "-m", "m9", "--json")

    assert result.status == 1
    assert "the model m9 does not exist" in json.loads(result.out)["said"]


def test_test_says_that_nobody_listens(cli, config):
    config(f'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nbase_url = "{URL}"\n')

    result = cli("backend", "test", "desk")

    assert result.status == 1
    assert "127.0.0.1:9" in result.err


def test_test_of_an_unknown_backend_names_the_nearest(cli, desk):
    result = cli("backend", "test", "dsk")

    assert result.status == 2
    assert "nearest one is desk" in result.err


@pytest.mark.parametrize("option", ["--provider", "--base-url", "--key-env"])
def test_an_empty_value_does_not_pass_for_none(cli, home, option):
    result = cli("backend", "add", "openai", option, "")

    assert result.status == 2
    assert "it is empty" in result.err
    assert not home.exists()

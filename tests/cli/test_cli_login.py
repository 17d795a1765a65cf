"""`pointsman login`, `refresh`, `logout`, and the sign-ins in `status`, against a real provider."""

import json
import re
import threading
import webbrowser

import pytest

from oauth_provider import SCOPES, Person, http, provider
from pointsman.config import shipped
from scripted import json_reply, sse

ROWS = """
[acme]
title = "Acme plan"
page = "https://acme.example/docs"
root = "https://acme.example"
sign_in = "oauth"
discover = false
dialects.openai_responses = {{ base = "/v1" }}
[acme.login]
kind = "plan"
name = "plan"
issuer = "{url}"
client = "first_client"
machine = "ext_agent_host_id"
scopes = {scopes}
needed = "plan.use"
manage = "https://acme.example/apps"
terms = "Acme's terms hold"
[acme.dialect_traits.openai_responses]
streams_only = true
text_input = false
system_items = false
lone_tools = false
extra_fields = {{ store = false }}

[keyed]
title = "Keyed"
page = "https://keyed.example/docs"
root = "https://keyed.example"
discover = false
dialects.openai_chat = {{ base = "/v1" }}
[keyed.login]
kind = "key"
address = "{url}/auth"
exchange = "{url}/auth/keys"
manage = "https://keyed.example/keys"
shows_code = true
"""

DONE = {"id": "m1", "type": "message", "role": "assistant", "status": "completed"}
TEXT = {"type": "output_text", "text": "Hello", "annotations": []}
WHOLE = {"id": "r1", "object": "response", "model": "gpt-6-sol", "output": []}
AT = {"item_id": "m1", "output_index": 0, "content_index": 0}
ANSWER = [
    json.dumps({**event, "sequence_number": number}).encode()
    for number, event in enumerate(
        [
            {"type": "response.created", "response": {**WHOLE, "status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**DONE, "content": []}},
            {"type": "response.content_part.added", **AT, "part": {**TEXT, "text": ""}},
            {"type": "response.output_text.delta", **AT, "delta": "Hello"},
            {"type": "response.output_text.done", **AT, "text": "Hello"},
            {"type": "response.content_part.done", **AT, "part": TEXT},
            {"type": "response.output_item.done", "output_index": 0, "item": {**DONE, "content": [TEXT]}},
            {"type": "response.completed", "response": {**WHOLE, "status": "completed"}},
        ]
    )
]
"""The end of a plan's stream may hold an empty `output`, as one user has seen."""


@pytest.fixture
def issuer(monkeypatch):
    """A provider, and two rows of the catalog that are signed in at there."""
    monkeypatch.setenv("POINTSMAN_SECRETS", "file")
    text = shipped._text
    with provider() as running:
        rows = ROWS.format(url=running.url, scopes=json.dumps(SCOPES.split()))
        monkeypatch.setattr(
            shipped, "_text", lambda name: text(name) + (rows if name == "providers.toml" else "")
        )
        shipped.providers.cache_clear()
        yield running
    shipped.providers.cache_clear()


@pytest.fixture
def browser(issuer, monkeypatch):
    """The machine's browser: goes where it is told, in a thread of its own; gives what it was shown."""
    seen, threads = [], []

    def go(address):
        threads.append(threading.Thread(target=lambda: seen.append(issuer.browse(address))))
        threads[-1].start()
        return True

    def shown():
        for thread in threads:
            thread.join(10)
        return seen

    monkeypatch.setattr(webbrowser, "open", go)
    yield shown
    shown()


@pytest.fixture
def asked(monkeypatch, capsys):
    """What a person answers at visible prompts: each a function of what stands on the screen so far."""
    answers = []

    def answer(prompt):
        shown = capsys.readouterr()
        print(shown.out, prompt, end="")
        return answers.pop(0)(shown.err + shown.out)

    monkeypatch.setattr("click.termui.visible_prompt_func", answer)
    return answers


def address_in(text):
    return re.search(r"^  (http\S+)$", text, re.MULTILINE)[1]


def record(home):
    return json.loads((home / "data" / "sign-ins" / "acme.json").read_text())


def test_a_person_signs_in_for_a_plan_with_the_browser(cli, issuer, browser, home, config):
    result = cli("login", "plan")

    assert result.status == 0
    assert "Signed in at Acme plan as anna@example.org" in result.out
    assert "pointsman backend test acme" in result.out
    assert "Before you sign in: Acme's terms hold." in result.err
    assert browser() == [200]
    assert config().endswith('[backends.acme]\nprovider = "acme"\n')
    assert record(home)["access_token"] == issuer.access_tokens[-1]
    assert issuer.sent("/authorize")["ext_agent_host_id"].startswith("urn:uuid:")


def test_no_token_is_ever_shown(cli, issuer, browser, home):
    results = [cli("login", "plan"), cli("status"), cli("status", "--json"), cli("refresh", "acme")]
    results.append(cli("logout", "acme"))

    shown = "".join(result.out + result.err for result in results)
    assert [result.status for result in results] == [0] * 5
    for token in (*issuer.access_tokens, *(fields.get("refresh_token") for _, fields in issuer.requests)):
        assert token is None or token not in shown


def test_json_says_whose_it_is(cli, issuer, browser):
    told = json.loads(cli("login", "plan", "--json").out)

    assert told["provider"] == "acme"
    assert told["backends"] == ["acme"]
    assert told["who"] == "anna@example.org"
    assert told["until"].endswith("+00:00")


def test_by_hand_the_whole_address_is_pasted(cli, issuer, asked, home):
    asked.append(lambda screen: issuer.visit(address_in(screen)))

    result = cli("login", "plan", "--manual")

    assert result.status == 0
    assert record(home)["who"] == "anna@example.org"


def test_by_hand_the_code_alone_is_not_enough_for_a_plan(cli, issuer, asked, home):
    code = []

    def paste(screen):
        code[:] = code or [issuer.visit(address_in(screen)).partition("code=")[2].partition("&")[0]]
        return code[0]

    asked += [paste] * 3

    result = cli("login", "plan", "--manual")

    assert result.status == 1
    assert "paste the whole address" in result.err
    assert not (home / "data" / "sign-ins" / "acme.json").exists()


@pytest.mark.parametrize(
    "shape",
    [lambda address: f"'{address}'", lambda address: address.partition("?")[2]],
    ids=["quotes", "query"],
)
def test_by_hand_a_wrong_paste_may_be_followed_by_a_right_one(cli, issuer, asked, home, shape):
    came_back = []

    def wrong(screen):
        came_back.append(issuer.visit(address_in(screen)))
        return "http://127.0.0.1/another?code=x&state=y"

    asked += [wrong, lambda _: shape(came_back[0])]

    result = cli("login", "plan", "--manual")

    assert result.status == 0, result.err
    assert record(home)["who"] == "anna@example.org"


@pytest.mark.parametrize("name", ["acme", "keyed"])
def test_a_backend_of_that_name_that_is_another_provider_s_is_left_alone(cli, issuer, config, name):
    table = f'[backends.{name}]\nprovider = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\n'
    before = config(table)

    result = cli("login", {"acme": "plan"}.get(name, name))

    assert result.status == 2
    assert "is another provider's backend" in result.err
    assert config() == before
    assert issuer.requests == []


def test_an_issued_key_goes_before_a_variable_that_was_named(cli, issuer, browser, config, home):
    table = '[backends.keyed]\nprovider = "keyed"\nkey_env = "OLD_KEY"\n'
    config(f"{table}\n[backends.keyed.accounts.default]\nenabled = false\n")

    cli("login", "keyed")
    listed = json.loads(cli("accounts", "list", "--json").out)["backends"]

    assert "key_env" not in config()
    (account,) = [each for backend in listed if backend["backend"] == "keyed" for each in backend["accounts"]]
    assert (account["account"], account["key"]) == ("default", "stored")


def test_a_second_person_replaces_the_first_only_when_asked_to(cli, issuer, browser, home):
    cli("login", "plan")
    issuer.person = Person("ben", "ben@example.org")

    refused = cli("login", "plan")
    kept = record(home)["who"]
    replaced = cli("login", "plan", "--yes")

    assert refused.status == 2
    assert "anna@example.org is signed in at Acme plan already; `--yes`" in refused.err
    assert kept == "anna@example.org"
    assert replaced.status == 0
    assert record(home)["who"] == "ben@example.org"
    # The first one's sign-in is not left behind at the provider.
    assert {token.person.email for token in issuer.refresh_tokens.values()} == {"ben@example.org"}


def test_a_person_at_a_terminal_is_asked(cli, issuer, browser, asked, home):
    cli("login", "plan")
    issuer.person = Person("ben", "ben@example.org")
    asked.append(lambda _: "n")
    no = cli("login", "plan", typed=[])
    asked.append(lambda _: "y")
    yes = cli("login", "plan", typed=[])

    assert no.status == 130
    assert yes.status == 0
    assert record(home)["who"] == "ben@example.org"


def test_an_ended_sign_in_goes_on_under_its_client_id(cli, issuer, browser, home):
    cli("login", "plan")
    issuer.refresh_tokens.clear()
    ended = cli("refresh", "acme")
    again = cli("login", "plan")

    assert ended.status == 1
    assert "sign in again: `pointsman login plan`" in ended.err
    assert again.status == 0
    assert issuer.sent("/authorize")["client_id"] == record(home)["client"] == "issued-1"


def test_a_corrupt_file_is_set_aside_by_the_next_sign_in(cli, issuer, browser, home):
    cli("login", "plan")
    (home / "data" / "sign-ins" / "acme.json").write_text("{")

    shown = cli("status")
    result = cli("login", "plan")

    assert "acme.json.corrupt; sign in again: `pointsman login plan`" in shown.out
    assert result.status == 0
    assert record(home)["who"] == "anna@example.org"


def test_a_refresh_gives_a_new_token(cli, issuer, browser, home):
    cli("login", "plan")
    before = record(home)

    result = cli("refresh", "acme", "--json")

    assert json.loads(result.out)["who"] == "anna@example.org"
    assert record(home)["access_token"] != before["access_token"]


def test_what_needs_no_refresh_says_so(cli, issuer, config):
    config('[backends.keyed]\nprovider = "keyed"\n')

    result = cli("refresh", "keyed")

    assert result.status == 2
    assert "no sign-in whose tokens pointsman renews" in result.err


def test_status_says_who_is_signed_in_and_until_when(cli, issuer, browser):
    cli("login", "plan")

    text, facts = cli("status").out, json.loads(cli("status", "--json").out)["sign_ins"]

    assert "acme  as anna@example.org; its token holds for 59 min more, and is renewed before" in text
    assert [(each["provider"], each["who"], each["ended"]) for each in facts] == [
        ("acme", "anna@example.org", None)
    ]


def test_signing_out_is_told_to_the_provider_and_forgets(cli, issuer, browser, home):
    cli("login", "plan")

    result = cli("logout", "acme")

    assert result.status == 0
    assert "anna@example.org is signed out of Acme plan; the provider has ended it" in result.out
    assert issuer.refresh_tokens == {}
    assert not (home / "data" / "sign-ins" / "acme.json").exists()
    assert cli("logout", "acme").status == 2


def test_signing_out_forgets_where_the_provider_cannot_be_told(cli, issuer, browser, home):
    cli("login", "plan")
    issuer.unavailable = {"/revoke"}

    result = cli("logout", "acme")

    assert result.status == 1
    assert "forgotten here, but the provider could not be told" in result.err
    assert "https://acme.example/apps" in result.err
    assert not (home / "data" / "sign-ins" / "acme.json").exists()


def test_a_person_who_declines_changes_nothing(cli, issuer, browser, home, config):
    issuer.declines = True

    result = cli("login", "plan")

    assert result.status == 1
    assert "signing in was declined; nothing was changed" in result.err
    assert not (home / "config.toml").exists()


def test_nobody_is_waited_for_longer_than_said(cli, issuer, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)

    result = cli("login", "plan", "--timeout", "1")

    assert result.status == 1
    assert "Open this page in your browser:" in result.err
    assert "nobody signed in within 1 s" in result.err


def test_an_issued_key_is_kept_like_an_entered_one(cli, issuer, browser, home, config):
    result = cli("login", "keyed")

    assert result.status == 0
    assert "the key that it issued is stored" in result.out
    assert json.loads((home / "data" / "secrets.json").read_text())["secrets"] == {
        "keyed": issuer.keys_issued[-1]
    }
    assert config().endswith('[backends.keyed]\nprovider = "keyed"\n')
    assert issuer.keys_issued[-1] not in result.out + result.err


def test_by_hand_the_code_that_is_shown_is_pasted(cli, issuer, asked, home):
    asked.append(lambda screen: http("GET", address_in(screen))[1].decode())

    result = cli("login", "keyed", "--manual")

    assert result.status == 0
    assert issuer.keys_issued[-1] in (home / "data" / "secrets.json").read_text()


def test_the_key_goes_to_the_backends_that_are_there(cli, issuer, browser, home, config):
    config('[backends.work]\nprovider = "keyed"\n')

    result = cli("login", "keyed", "--json")

    assert json.loads(result.out)["backends"] == ["work"]
    assert list(json.loads((home / "data" / "secrets.json").read_text())["secrets"]) == ["work"]


def test_a_key_that_is_stored_is_not_replaced_unasked(cli, issuer, browser, home):
    cli("login", "keyed")

    result = cli("login", "keyed")

    assert result.status == 2
    assert "a key for keyed is stored already; `--yes`" in result.err
    assert len(issuer.keys_issued) == 1


def test_an_issued_key_is_forgotten_and_the_person_told_where_to_delete_it(cli, issuer, browser, home):
    cli("login", "keyed")

    result = cli("logout", "keyed")

    assert result.status == 0
    assert "https://keyed.example/keys" in result.out
    assert json.loads((home / "data" / "secrets.json").read_text())["secrets"] == {}
    assert cli("logout", "keyed").status == 2


def test_a_service_that_was_retired_says_what_to_do_instead(cli):
    result = cli("login", "github")

    assert result.status == 1
    assert "GitHub retired GitHub Models on 2026-07-30" in result.err
    assert "pointsman login openrouter" in result.err


@pytest.mark.parametrize("command", ["login", "logout", "refresh"])
def test_a_name_that_nobody_has_is_answered_with_the_nearest(cli, command):
    result = cli(command, "openruter")

    assert result.status == 2
    assert "openrouter" in result.err


def test_a_cloud_needs_no_sign_in_of_ours(cli):
    result = cli("login", "azure")

    assert result.status == 2
    assert "the cloud's own credentials are used" in " ".join(result.err.split())


def test_a_provider_without_a_sign_in_takes_keys(cli):
    result = cli("login", "groq")

    assert result.status == 2
    assert "`pointsman backend add`" in result.err


def test_a_backend_that_a_person_signs_in_for_takes_no_key(cli, issuer):
    result = cli("backend", "add", "acme", typed=[])

    assert result.status == 0
    assert "sign in with `pointsman login plan`" in result.out
    assert "Key for" not in result.err


def test_a_request_without_a_sign_in_says_what_to_type(cli, issuer, config):
    config('[backends.acme]\nprovider = "acme"\nmodels = ["m"]\n')

    result = cli("backend", "test", "acme", "-m", "m")

    assert result.status == 1
    assert "nobody is signed in: run `pointsman login plan`" in result.out + result.err


def test_a_signed_in_persons_token_goes_along_and_the_accounts_own_models_are_listed(
    cli, issuer, browser, config, threaded_upstream
):
    shown = {"slug": "gpt-6-sol", "display_name": "GPT-6 Sol", "visibility": "list"}
    threaded_upstream.then(json_reply({"models": [shown, {"slug": "own", "visibility": "hide"}]}))
    config(f'[backends.acme]\nprovider = "acme"\nbase_url = "{threaded_upstream.url}/v1"\n')
    before = json.loads(cli("status", "--json").out)
    cli("login", "plan")

    result = cli("backend", "test", "acme")

    assert "it lists 1 model" in result.out
    (seen,) = threaded_upstream.requests
    assert seen.target == "/v1/models"
    assert seen.header("authorization") == f"Bearer {issuer.access_tokens[-1]}"
    keys = {each["name"]: each["key"] for each in json.loads(cli("status", "--json").out)["backends"]}
    assert keys["acme"] == "person"
    assert {each["name"]: each["key"] for each in before["backends"]}["acme"] == "nobody"


def test_a_request_of_any_dialect_reaches_the_plan_in_its_shape_with_a_token_that_holds(
    cli, issuer, browser, config, home, threaded_upstream
):
    where = f'base_url = "{threaded_upstream.url}/v1"'
    config(f'[backends.acme]\nprovider = "acme"\nmodels = ["gpt-6-sol"]\n{where}\n')
    cli("login", "plan")
    file = home / "data" / "sign-ins" / "acme.json"
    old = record(home)
    file.write_text(json.dumps({**old, "expires": 1.0}))
    threaded_upstream.then(sse(*ANSWER))

    result = cli("ask", "Say hello", "-m", "acme:gpt-6-sol")

    assert (result.status, result.out, result.err) == (0, "Hello\n", "")
    seen = threaded_upstream.requests[-1]
    assert seen.target == "/v1/responses"
    assert old["access_token"] != issuer.access_tokens[-1]
    assert seen.header("authorization") == f"Bearer {issuer.access_tokens[-1]}"
    assert (seen.json()["store"], seen.json()["stream"]) == (False, True)
    assert seen.json()["input"][-1]["role"] == "user"


def test_a_token_that_the_upstream_refuses_is_renewed_and_the_request_sent_again(
    cli, issuer, browser, config, home, threaded_upstream
):
    where = f'base_url = "{threaded_upstream.url}/v1"'
    config(f'[backends.acme]\nprovider = "acme"\nmodels = ["gpt-6-sol"]\n{where}\n')
    cli("login", "plan")
    old = record(home)["access_token"]
    refused = {"error": {"message": f"revoked: {old}", "type": "invalid_request_error", "code": "revoked"}}
    threaded_upstream.then(json_reply(refused, 401), sse(*ANSWER))

    result = cli("ask", "Say hello", "-m", "acme:gpt-6-sol")

    assert result.status == 0, result.err
    sent = [seen.header("authorization") for seen in threaded_upstream.requests]
    assert sent == [f"Bearer {old}", f"Bearer {issuer.access_tokens[-1]}"]
    assert record(home)["access_token"] == issuer.access_tokens[-1] != old


def test_the_accounts_say_that_nobody_is_signed_in_or_that_it_is_over(cli, issuer, browser, config):
    config('[backends.acme]\nprovider = "acme"\nmodels = ["m"]\n')
    before = cli("accounts", "list").out
    cli("login", "plan")
    signed_in = cli("explain", "acme:m").out
    issuer.refresh_tokens.clear()
    cli("refresh", "acme")
    ended = cli("accounts", "list", "-m", "acme:m").out

    assert "nobody is signed in" in before
    assert "no key" not in signed_in
    assert "no key" in ended
    assert "the sign-in has ended" in ended

"""PKCE without a client: the provider issues a key, which only whoever began the attempt can have."""

import secrets
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from oauth_provider import http, provider
from pointsman.accounts.oauth.plan import Surroundings, issued_key
from pointsman.accounts.oauth.web import over_network
from pointsman.canon.errors import GarbledError, PointsmanError
from pointsman.catalog.login import KeyLogin

REDIRECT = "http://127.0.0.1:9"
AROUND = Surroundings(over_network, time.time, secrets.token_urlsafe)


@pytest.fixture
def issuer():
    with provider() as running:
        yield running


def login(issuer):
    return KeyLogin(
        address=f"{issuer.url}/auth",
        exchange=f"{issuer.url}/auth/keys",
        manage="https://provider.example/keys",
        extra={"key_label": "pointsman"},
        shows_code=True,
    )


class Browser:
    """Follows the address and brings back what it is sent to; `bends` changes that."""

    def __init__(self, issuer, bends=lambda address: address):
        self.issuer, self.bends = issuer, bends

    def redirect(self, path, *, shows_code=False):
        return REDIRECT + path

    def answer(self, attempt, address):
        self.address = address
        return self.bends(self.issuer.visit(address))


class Paper(Browser):
    """Copies the code that the provider shows."""

    def redirect(self, path, *, shows_code=False):
        return None

    def answer(self, attempt, address):
        self.address = address
        return self.bends(http("GET", address)[1].decode())


def enter(issuer, way):
    return issued_key(login(issuer), way, AROUND)


def refused(issuer, way):
    with pytest.raises(PointsmanError) as caught:
        enter(issuer, way)
    return caught.value.message


@pytest.mark.parametrize("way", [Browser, Paper])
def test_the_provider_issues_a_key(issuer, way):
    key = enter(issuer, way(issuer))

    assert [key.reveal()] == issuer.keys_issued


def test_the_address_holds_a_challenge_and_the_label_and_never_the_verifier(issuer):
    browser = Browser(issuer)

    enter(issuer, browser)

    query = dict(parse_qsl(urlsplit(browser.address).query))
    assert query["code_challenge_method"] == "S256"
    assert query["key_label"] == "pointsman"
    assert query["callback_url"].startswith("http://127.0.0.1:9/callback/")
    assert issuer.sent("/auth/keys")["code_verifier"] not in browser.address


def test_where_the_code_is_shown_there_is_nowhere_to_come_back_to(issuer):
    paper = Paper(issuer)

    enter(issuer, paper)

    assert "callback_url" not in paper.address


def test_the_redirect_of_another_attempt_is_refused_and_its_code_not_spent(issuer):
    elsewhere = Browser(issuer, lambda address: f"{REDIRECT}/callback/made-up?{urlsplit(address).query}")

    assert "another attempt" in refused(issuer, elsewhere)
    assert issuer.asked("/auth/keys") == 0


def test_a_code_that_has_been_used_or_is_too_old_is_refused_without_being_repeated(issuer):
    codes = []

    def replay(code):
        codes.append(code)
        return codes[0]

    enter(issuer, Paper(issuer, replay))
    used = refused(issuer, Paper(issuer, replay))
    issuer.code_life = -1.0
    old = refused(issuer, Paper(issuer))

    assert "used up or too old" in used
    assert "used up or too old" in old
    assert codes[0] not in used


def test_nothing_pasted_is_no_code(issuer):
    assert "there is no code" in refused(issuer, Paper(issuer, lambda code: "  "))


def test_an_answer_without_a_key_is_named(issuer):
    issuer.answers = {"/auth/keys": (200, {"kee": "sk-or-v1-canary"})}

    with pytest.raises(GarbledError, match="holds no key"):
        enter(issuer, Paper(issuer))

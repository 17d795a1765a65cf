"""Signing in for a plan, against a real provider: what is asked, what is believed, and what never is."""

import secrets
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauth_rows import plan

from oauth_provider import FIRST, OTHER_KEY, SCOPES, Person, Provider, provider
from pointsman.accounts.oauth.attempt import begin, read
from pointsman.accounts.oauth.plan import Surroundings, sign_in
from pointsman.accounts.oauth.web import over_network
from pointsman.canon.errors import NoCredentialError, PointsmanError, UpstreamError

REDIRECT = "http://127.0.0.1:9/callback"


@pytest.fixture
def issuer():
    with provider() as running:
        yield running


class Browser:
    """A person's way to the provider and back; `bends` changes the address that is brought back."""

    def __init__(self, issuer, bends=lambda address: address):
        self.issuer, self.bends = issuer, bends

    def redirect(self, path, *, shows_code=False):
        return REDIRECT

    def answer(self, attempt, address):
        self.address = address
        return self.bends(self.issuer.visit(address))


def enter(issuer, way=None, *, clock=time.time, before=None, **fields):
    around = Surroundings(over_network, clock, secrets.token_urlsafe)
    way = way or Browser(issuer)
    return sign_in(plan(issuer.url, **fields), way, around, machine="urn:uuid:machine", before=before)


def refused(issuer, way=None, **fields):
    with pytest.raises(PointsmanError) as caught:
        enter(issuer, way, **fields)
    return caught.value.message


def bent(**fields):
    """Replaces parameters of the address that is brought back; None leaves one out."""

    def bend(address):
        query = {**dict(parse_qsl(urlsplit(address).query)), **fields}
        kept = "&".join(f"{key}={value}" for key, value in query.items() if value is not None)
        return f"{address.partition('?')[0]}?{kept}"

    return bend


def test_a_person_signs_in_and_their_tokens_come_back(issuer):
    found = enter(issuer)

    assert (found.who, found.subject, found.client) == ("anna@example.org", "anna", "issued-1")
    assert found.access_token == issuer.access_tokens[-1]
    assert found.refresh_token in issuer.refresh_tokens
    assert 3500 < found.expires - time.time() <= 3600
    assert "plan.use" in found.scopes
    assert found.access_token not in repr(found)


def test_the_first_address_registers_and_holds_a_challenge_and_never_the_verifier(issuer):
    browser = Browser(issuer)

    enter(issuer, browser)

    query = dict(parse_qsl(urlsplit(browser.address).query))
    verifier = issuer.sent("/token")["code_verifier"]
    assert query["client_id"] == FIRST
    assert query["code_challenge_method"] == "S256"
    assert query["agent_name_hint"] == "pointsman"
    assert query["ext_agent_host_id"] == "urn:uuid:machine"
    assert query["resource"] == "https://api.provider.example/v1"
    assert query["scope"] == SCOPES
    assert verifier not in browser.address
    assert issuer.sent("/token")["client_id"] == "issued-1"
    assert issuer.sent("/token")["resource"] == "https://api.provider.example/v1"


def test_each_attempt_has_secrets_of_its_own(issuer):
    first, second = Browser(issuer), Browser(issuer)

    enter(issuer, first)
    enter(issuer, second)

    one, two = (dict(parse_qsl(urlsplit(each.address).query)) for each in (first, second))
    assert all(one[name] != two[name] for name in ("state", "nonce", "code_challenge"))


def test_who_signs_in_again_goes_on_under_the_client_id_that_was_issued(issuer):
    before = enter(issuer)
    browser = Browser(issuer)

    again = enter(issuer, browser, before=before)

    query = dict(parse_qsl(urlsplit(browser.address).query))
    assert query["client_id"] == again.client == "issued-1"
    assert "agent_name_hint" not in query
    assert query["ext_agent_host_id"] == "urn:uuid:machine"


def test_another_person_is_not_taken_for_the_one_before(issuer):
    before = enter(issuer)
    issuer.person = Person("ben", "ben@example.org")

    assert "another person" in refused(issuer, before=before)


def test_a_wrong_state_is_refused_and_no_code_is_spent_on_it(issuer):
    assert "another attempt" in refused(issuer, Browser(issuer, bent(state="made-up")))
    assert "another attempt" in refused(issuer, Browser(issuer, bent(state=None)))
    assert issuer.asked("/token") == 0


def test_a_redirect_to_another_path_is_refused(issuer):
    moved = Browser(issuer, lambda address: address.replace("/callback", "/elsewhere"))

    assert "another attempt" in refused(issuer, moved)


def test_a_redirect_of_another_issuer_is_refused(issuer):
    assert "another issuer" in refused(issuer, Browser(issuer, bent(iss="https://evil.example")))
    assert issuer.asked("/token") == 0


def test_a_redirect_that_names_the_right_issuer_is_taken(issuer):
    assert enter(issuer, Browser(issuer, bent(iss=issuer.url))).who == "anna@example.org"


def test_a_person_who_declines_is_told_so_and_no_code_is_asked_for(issuer):
    issuer.declines = True

    assert refused(issuer) == "signing in was declined; nothing was changed"
    assert issuer.asked("/token") == 0


def test_a_redirect_without_an_issued_client_id_is_refused(issuer):
    assert "issued no client id" in refused(issuer, Browser(issuer, bent(client_id=None)))
    assert "issued no client id" in refused(issuer, Browser(issuer, bent(client_id=FIRST)))
    assert issuer.asked("/token") == 0


def test_a_redirect_with_another_client_id_than_before_is_refused(issuer):
    before = enter(issuer)

    way = Browser(issuer, bent(client_id="somebody-elses"))

    assert "another client" in refused(issuer, way, before=before)


def test_a_redirect_without_a_code_is_refused(issuer):
    assert "no code" in refused(issuer, Browser(issuer, bent(code=None)))


def test_a_code_that_has_been_used_is_refused(issuer):
    used = []

    def replay(address):
        code = dict(parse_qsl(urlsplit(address).query))["code"]
        used.append(code)
        return bent(code=used[0])(address)

    enter(issuer, Browser(issuer, replay))
    message = refused(issuer, Browser(issuer, replay))

    assert "the code was not accepted" in message
    assert "invalid_grant" in message
    assert used[0] not in message


def test_a_code_that_is_too_old_is_refused(issuer):
    issuer.code_life = -1.0

    assert "too old" in refused(issuer)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"nonce": "anothers"}, "`nonce`"),
        ({"claimed": "https://evil.example"}, "`iss`"),
        ({"audience": "another-client"}, "`aud`"),
        ({"key": OTHER_KEY}, "BadSignatureError"),
        ({"clock_ahead": -400.0}, "it has expired; is this machine's clock right?"),
        ({"clock_ahead": 120.0}, "`iat`"),
    ],
)
def test_an_id_token_that_cannot_be_trusted_is_refused(issuer, wrong, words):
    for name, value in wrong.items():
        setattr(issuer, name, value)

    message = refused(issuer)

    assert words in message
    assert "nothing was changed" in message


@pytest.mark.parametrize("ahead", [-330.0, 50.0])
def test_clocks_may_differ_by_a_minute(issuer, ahead):
    issuer.clock_ahead = ahead

    assert enter(issuer).who == "anna@example.org"


def test_a_plan_that_may_not_be_used_is_said_and_nothing_comes_back(issuer):
    issuer.granted = "openid profile email offline_access"

    message = refused(issuer)

    assert "`plan.use` was not granted" in message
    assert "https://provider.example/apps" in message


def test_a_provider_that_speaks_for_another_issuer_is_not_asked_further(issuer):
    issuer.configuration = {"issuer": "https://evil.example"}

    assert "another issuer" in refused(issuer)
    assert issuer.asked("/authorize") == 0


def test_no_code_is_sent_over_plain_http_to_another_machine(issuer):
    issuer.configuration = {"token_endpoint": "http://provider.example/token"}

    assert "plain http://" in refused(issuer)


def test_a_provider_that_does_not_answer_is_named(issuer):
    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:9/"):
        enter(Provider("http://127.0.0.1:9"))


@given(st.text() | st.text(alphabet="htp:/?&=[]%#.0codestateclient_id \ud800"))
def test_whatever_is_pasted_is_a_code_or_refused_in_words(text):
    attempt = begin(REDIRECT, lambda size: "s" * size)

    try:
        code = read(attempt, text).code
    except NoCredentialError as error:
        code = error.message

    assert code
    assert code.isprintable()

"""The scripted provider itself: it refuses what real ones refuse, and tells of its limits as they do."""

import json
from email.utils import parsedate_to_datetime

import pytest

from .limits import HOUR, Window, openai, plain, unified, untold
from .provider import CACHE_SECONDS, Account, Phase, Provider, unlimited
from .tongues import Anthropic, Responses, events
from .virtual import EPOCH

EACH_TONGUE = pytest.mark.parametrize("tongue", [Anthropic(), Responses()], ids=["anthropic", "responses"])
NOW = EPOCH + 0.5


def asked(provider, alias="a", turns=None, now=NOW, **headers):
    """A visit of one request with an account's key."""
    tongue = provider.tongue
    key = f"sk-{alias}-0123456789"
    fields = {"x-api-key": key, "authorization": f"Bearer {key}", **headers}
    body = json.dumps(tongue.body(tongue.model, "Be brief.", turns or tongue.say("Hello"))).encode()
    visit = provider.come(provider.set_out(fields), fields, body, now)
    visit.leave(now)
    return visit


def told(visit):
    return dict(visit.head(NOW))


def answered(provider, alias="a", turns=None, **more):
    """The turns after an answer."""
    visit = asked(provider, alias, turns, **more)
    assert visit.status == 200, visit.pieces
    return [*(turns or provider.tongue.say("Hello")), *provider.tongue.hear(b"".join(visit.pieces))]


@EACH_TONGUE
def test_it_serves_so_many_requests_in_a_window_and_begins_anew(tongue):
    provider = Provider([Account("a", (Window("requests", 2),))], tongue)

    statuses = [asked(provider, now=NOW + seconds).status for seconds in (0, 1, 2, 59.9, 60)]

    assert statuses == [200, 200, 429, 429, 200]
    assert provider.excesses() == [("a", 2, 1, 60.0)]


@EACH_TONGUE
def test_tokens_count_as_they_are_used(tongue):
    provider = Provider([Account("a", (Window("tokens", 40),))], tongue)

    assert [asked(provider).status for _ in range(2)] == [200, 429]
    assert provider.accounts["a"].windows[0].used > 40


@pytest.mark.parametrize(
    ("retry", "name", "seconds"),
    [
        ("seconds", "retry-after", float),
        ("milliseconds", "retry-after-ms", lambda text: float(text) / 1000),
        ("date", "retry-after", lambda text: parsedate_to_datetime(text).timestamp() - NOW - 10),
    ],
)
def test_it_says_when_to_come_back_and_never_too_early(retry, name, seconds):
    provider = Provider([Account("a", (Window("requests", 1),), untold, retry)])
    asked(provider)

    refused = asked(provider, now=NOW + 10)

    assert 50 <= seconds(told(refused)[name]) < 51


def test_it_tells_of_its_limits_as_anthropic_does():
    provider = Provider([Account("a", (Window("requests", 5), Window("input_tokens", 1000)), plain)])

    fields = told(asked(provider))

    assert fields["anthropic-ratelimit-requests-limit"] == "5"
    assert fields["anthropic-ratelimit-requests-remaining"] == "4"
    assert fields["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:01:01Z"
    assert 900 < int(fields["anthropic-ratelimit-input-tokens-remaining"]) < 1000


def test_it_tells_of_a_plan_as_anthropic_does():
    windows = (Window("requests", 2, 5 * HOUR), Window("requests", 100, 7 * 24 * HOUR))
    provider = Provider([Account("a", windows, unified)])

    fields = [told(asked(provider)) for _ in range(3)]

    name = "anthropic-ratelimit-unified"
    assert [each[f"{name}-status"] for each in fields] == ["allowed", "rejected", "rejected"]
    assert [each[f"{name}-5h-utilization"] for each in fields] == ["0.5000", "1.0000", "1.0000"]
    assert {each[f"{name}-representative-claim"] for each in fields} == {"five_hour"}
    assert int(fields[0][f"{name}-5h-reset"]) - NOW == pytest.approx(5 * HOUR, abs=1)
    assert int(fields[0][f"{name}-7d-reset"]) - NOW == pytest.approx(7 * 24 * HOUR, abs=1)


def test_it_tells_of_its_limits_as_openai_does():
    provider = Provider([Account("a", (Window("requests", 5, 90.0),), openai)], Responses())

    fields = told(asked(provider))

    assert fields["x-ratelimit-limit-requests"] == "5"
    assert fields["x-ratelimit-remaining-requests"] == "4"
    assert fields["x-ratelimit-reset-requests"] == "1m30.000s"


@EACH_TONGUE
def test_opaque_state_is_good_with_the_account_that_made_it_alone(tongue):
    provider = Provider([unlimited("a"), unlimited("b")], tongue)
    turns = [*answered(provider, "a"), *tongue.say("Go on.")]

    assert asked(provider, "a", turns).status == 200
    assert asked(provider, "b", turns).status == 400
    assert len(provider.strayed) == 1


@EACH_TONGUE
def test_each_account_has_a_prompt_cache_of_its_own_that_grows_cold(tongue):
    provider = Provider([unlimited("a"), unlimited("b")], tongue)
    turns = [*answered(provider, "a"), *tongue.say("Go on.")]
    bare = tongue.say("Hello")

    answered(provider, "a", turns, now=NOW + 10)
    answered(provider, "b", bare, now=NOW + 10)
    answered(provider, "b", bare, now=NOW + 20)
    answered(provider, "a", turns, now=NOW + CACHE_SECONDS + 11)

    first, second, third, fourth, fifth = provider.served()
    assert first.read == third.read == fifth.read == 0
    assert 0 < second.read < second.prompt
    assert fourth.read == fourth.prompt


def test_what_a_cache_has_is_told_in_the_answers_usage():
    provider = Provider([unlimited("a")])
    answered(provider)
    start = next(events(asked(provider).pieces[0]))

    usage = start["message"]["usage"]
    assert usage["cache_read_input_tokens"] == provider.served()[1].read > 0
    assert usage["cache_creation_input_tokens"] == 0


def test_an_unknown_key_a_revoked_one_and_an_unknown_beta_are_refused():
    account = Account("a", betas_refused=frozenset({"beta-1"}))
    provider = Provider([account])

    assert asked(provider, "nobody").status == 401
    assert asked(provider, **{"anthropic-beta": "beta-2"}).status == 200
    refused = asked(provider, **{"anthropic-beta": "beta-2,beta-1"})
    assert refused.status == 400
    assert b"Unexpected value(s) `beta-1` for the `anthropic-beta` header" in refused.pieces[0]
    account.revoked = True
    assert asked(provider).status == 401
    assert account.in_flight == 0


@EACH_TONGUE
def test_it_fails_for_a_while_in_each_way(tongue):
    kinds = ("overloaded", "failing", "down", "first frame")
    phases = [Phase(kind, NOW + number, NOW + number + 1) for number, kind in enumerate(kinds)]
    provider = Provider([unlimited("a")], tongue, phases)

    visits = [asked(provider, now=NOW + number) for number in range(5)]

    assert [visit.status for visit in visits] == [529, 500, 500, 200, 200]
    assert [visit.trouble for visit in visits[2:]] == ["down", "first frame", None]
    assert b"verloaded" in visits[3].pieces[0]

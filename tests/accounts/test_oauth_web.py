"""Exchanges with a sign-in server: honest, bounded, and never led elsewhere."""

import pytest

from pointsman.accounts.oauth.web import MOST, Answer, Call, over_network
from pointsman.canon.errors import SetupError, UnreachableError
from scripted import RESET, Reply, json_reply


def test_a_request_says_who_asks_and_a_body_what_it_is(threaded_upstream):
    threaded_upstream.then(json_reply({}), json_reply({}))

    over_network(Call(f"{threaded_upstream.url}/keys"))
    over_network(Call(f"{threaded_upstream.url}/token", b"grant_type=refresh_token"))

    got, posted = threaded_upstream.requests
    assert (got.method, posted.method) == ("GET", "POST")
    assert got.header("user-agent").startswith("pointsman/")
    assert got.header("content-type") is None
    assert posted.header("content-type") == "application/x-www-form-urlencoded"
    assert posted.body == b"grant_type=refresh_token"


@pytest.mark.parametrize("status", [400, 401, 503])
def test_an_error_is_an_answer(threaded_upstream, status):
    threaded_upstream.then(json_reply({"error": "x"}, status=status))

    assert over_network(Call(threaded_upstream.url)) == Answer(status, b'{"error": "x"}')


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_led_elsewhere(threaded_upstream, status):
    threaded_upstream.then(Reply(status, (("location", f"{threaded_upstream.url}/elsewhere"),), b""))

    answer = over_network(Call(f"{threaded_upstream.url}/token", b"code=canary"))

    assert answer.status == status
    assert [seen.target for seen in threaded_upstream.requests] == ["/token"]


def test_no_more_of_an_answer_is_read_than_can_be_meant(threaded_upstream):
    threaded_upstream.then(Reply(200, (), b"x" * (MOST + 9)))

    assert len(over_network(Call(threaded_upstream.url)).body) == MOST


def test_a_connection_that_breaks_is_named_without_what_was_sent(threaded_upstream):
    threaded_upstream.then(Reply(200, (), b"", before=[RESET]))

    with pytest.raises(UnreachableError) as caught:
        over_network(Call(f"{threaded_upstream.url}/token", b"refresh_token=canary"))

    assert "/token did not answer" in caught.value.message
    assert "canary" not in caught.value.message


def test_no_secret_goes_over_plain_http_to_another_machine():
    with pytest.raises(SetupError, match="where a token would be readable"):
        over_network(Call("http://provider.example/token", b"refresh_token=canary"))


def test_neither_a_call_nor_an_answer_shows_what_it_holds():
    call = Call("https://provider.example/token", b"refresh_token=canary")

    assert "canary" not in repr(call) + repr(Answer(200, b"canary"))

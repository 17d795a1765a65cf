"""The browser's way back: one redirect is taken, nothing else is, and nobody waits for ever."""

import secrets
import socket
import threading

import pytest

from oauth_provider import http
from pointsman.accounts.oauth.attempt import begin
from pointsman.accounts.oauth.loopback import Loopback
from pointsman.canon.errors import NoCredentialError


@pytest.fixture
def loopback():
    with Loopback() as listening:
        yield listening


def attempt_at(loopback, path="/callback"):
    return begin(loopback.redirect(path), secrets.token_urlsafe)


def waiting(loopback, attempt, limit=10.0):
    """Waits in a thread; a function that gives what came of it."""
    found = []

    def wait():
        try:
            found.append(loopback.wait(attempt, limit))
        except NoCredentialError as error:
            found.append(error.message)

    loopback.attempt = attempt
    thread = threading.Thread(target=wait)
    thread.start()

    def result():
        thread.join(20)
        return found[0]

    return result


def test_the_redirect_is_taken_and_the_person_sees_a_page(loopback):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt)

    status, page, headers = http("GET", f"{attempt.redirect}?code=one&state={attempt.state}")

    assert status == 200
    assert b"You may close this page" in page
    assert attempt.state.encode() not in page
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert result() == f"{attempt.redirect}?code=one&state={attempt.state}"


def test_a_made_up_redirect_ends_nothing(loopback):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt)

    wrong = http("GET", f"{attempt.redirect}?code=evil&state=made-up")[0]
    other = http("GET", loopback.redirect("/favicon.ico"))[0]
    posted = http("POST", attempt.redirect, b"")[0]
    http("GET", f"{attempt.redirect}?code=right&state={attempt.state}")

    assert (wrong, other, posted) == (404, 404, 501)
    assert "code=right" in result()


def test_a_state_in_the_path_serves_where_the_provider_hands_none_back(loopback):
    attempt = attempt_at(loopback, "/callback/{state}")
    result = waiting(loopback, attempt)

    wrong = http("GET", loopback.redirect("/callback/made-up?code=evil"))[0]
    http("GET", f"{attempt.redirect}?code=right")

    assert wrong == 404
    assert result() == f"{attempt.redirect}?code=right"


def test_another_name_for_this_machine_is_refused(loopback):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt)

    with socket.create_connection(("127.0.0.1", loopback.port)) as rebound:
        target = f"/callback?code=evil&state={attempt.state}"
        rebound.sendall(f"GET {target} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode())
        answer = rebound.recv(4096)
    http("GET", f"{attempt.redirect}?code=right&state={attempt.state}")

    assert b" 400 " in answer.splitlines()[0]
    assert "code=right" in result()


def test_whoever_gives_up_is_not_waited_for():
    moments = iter([0.0, 301.0])
    with Loopback(clock=lambda: next(moments)) as listening:
        attempt = attempt_at(listening)

        with pytest.raises(NoCredentialError, match=r"nobody signed in within 300 s; begin anew"):
            listening.wait(attempt, 300.0)


def test_a_client_that_connects_and_leaves_ends_nothing(loopback):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt)

    for _ in range(3):
        with socket.create_connection(("127.0.0.1", loopback.port)) as gone:
            gone.sendall(b"GET /call")
    http("GET", f"{attempt.redirect}?code=right&state={attempt.state}")

    assert "code=right" in result()


def test_a_refused_answer_is_mentioned_when_time_runs_out(loopback):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt, limit=0.5)

    http("GET", f"{attempt.redirect}?code=evil&state=made-up")

    assert "an answer came whose state was not this attempt's; it was refused" in result()


def test_nobody_listens_any_more_when_it_is_over():
    with Loopback() as listening:
        port = listening.port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_nothing_is_logged(loopback, capsys, caplog):
    attempt = attempt_at(loopback)
    result = waiting(loopback, attempt)

    http("GET", f"{attempt.redirect}?code=canary&state={attempt.state}")
    result()

    captured = capsys.readouterr()
    assert captured.out == captured.err == caplog.text == ""

"""Google's credentials: a token made from a service account's file, kept, and renewed before its end."""

import asyncio
import base64
import json
import logging
import os
import time
from urllib.parse import parse_qs

import pytest

from google_account import private_key, token, write_account
from pointsman.accounts.auth import google_oauth
from pointsman.accounts.auth.google_oauth import GoogleSignIn
from pointsman.canon.errors import NoCredentialError, UnreachableError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Backend
from scripted import Upstream, in_thread, json_reply

ROW = Provider("acme", "Acme", "page", {"talk": Speaks("")}, sign_in="google-oauth")
BACKEND = Backend("acme", ROW, {"talk": "https://acme.example"}, "")


@pytest.fixture
def account(tmp_path, monkeypatch):
    """(the file of a service account, the server of its tokens); nothing else is there."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "rails")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"):
        monkeypatch.setenv(name, "")
    with in_thread(Upstream()) as server:
        file = write_account(tmp_path, f"{server.url}/token")
        yield file, server


def grants(sign_in, backend=BACKEND, times=1):
    async def ask():
        return [await sign_in(backend) for _ in range(times)]

    return asyncio.run(ask())


def named(file):
    """An environment that names the file; google-auth reads the process's own."""
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
    return os.environ


def claims_of(assertion):
    part = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_service_accounts_file_gives_a_token_that_is_used_until_it_ends(account):
    file, server = account
    server.then(token("ya29.one"))

    first, second = grants(GoogleSignIn(named(file)), times=2)

    assert first.headers == second.headers == (("authorization", "Bearer ya29.one"),)
    assert [secret.reveal() for secret in first.secrets] == ["ya29.one"]
    (seen,) = server.requests
    claims = claims_of(parse_qs(seen.body.decode())["assertion"][0])
    assert seen.target == "/token"
    assert claims["iss"] == "points@rails.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_a_token_is_renewed_before_its_end(account, monkeypatch):
    file, server = account
    server.then(token("one"), token("two"))
    sign_in = GoogleSignIn(named(file))

    (first,) = grants(sign_in)
    now = time.time()
    monkeypatch.setattr(google_oauth.time, "time", lambda: now + 3600 - google_oauth.EARLY + 1)
    (second,) = grants(sign_in)

    assert first.headers == (("authorization", "Bearer one"),)
    assert second.headers == (("authorization", "Bearer two"),)


def test_many_requests_at_once_ask_for_one_token(account):
    file, server = account
    server.then(token("one"))
    sign_in = GoogleSignIn(named(file))

    async def ask():
        return await asyncio.gather(*(sign_in(BACKEND) for _ in range(20)))

    made = asyncio.run(ask())

    assert {grant.headers for grant in made} == {(("authorization", "Bearer one"),)}
    assert len(server.requests) == 1


def test_a_backends_own_file_goes_before_the_environments(account, tmp_path):
    file, server = account
    server.then(token("own"))
    backend = Backend("acme", ROW, {"talk": "https://acme.example"}, "", credentials=str(file))

    (grant,) = grants(GoogleSignIn(named(tmp_path / "nothing.json")), backend)

    assert grant.headers == (("authorization", "Bearer own"),)


def test_the_file_of_gcloud_is_used_where_none_is_named(account, tmp_path):
    file, server = account
    server.then(token("gcloud"))
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "gcloud" / "application_default_credentials.json").write_text(file.read_text())

    (grant,) = grants(GoogleSignIn({}))

    assert grant.headers == (("authorization", "Bearer gcloud"),)


def test_without_any_file_no_metadata_server_is_asked(account):
    with pytest.raises(NoCredentialError, match="gcloud auth application-default login"):
        grants(GoogleSignIn({}))


def test_a_refused_account_is_told_without_what_google_said_and_read_anew(account, caplog):
    caplog.set_level(logging.DEBUG)
    file, server = account
    said = {"error": "invalid_grant", "error_description": "the canary ya29.secret is bad"}
    server.then(json_reply(said, 400), token("one"))
    sign_in = GoogleSignIn(named(file))

    with pytest.raises(NoCredentialError, match="RefreshError") as refused:
        grants(sign_in)
    (grant,) = grants(sign_in)

    assert "ya29" not in str(refused.value)
    assert "ya29" not in caplog.text
    assert private_key().splitlines()[1] not in caplog.text
    assert grant.headers == (("authorization", "Bearer one"),)


@pytest.mark.parametrize("text", ["", "{}", '{"type": "service_account"}', '{"type": "odd"}', "no JSON"])
def test_a_file_that_is_no_account_is_told(account, text):
    file, _ = account
    file.write_text(text)

    with pytest.raises(NoCredentialError, match="check the file"):
        grants(GoogleSignIn(named(file)))


def test_without_the_library_the_extra_is_named(account, monkeypatch):
    file, _ = account

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(google_oauth, "import_module", missing)

    with pytest.raises(NoCredentialError, match=r"pointsman\[google\]"):
        grants(GoogleSignIn(named(file)))


def test_a_token_endpoint_that_is_down_is_no_fault_of_the_credentials(tmp_path):
    path = write_account(tmp_path, "http://127.0.0.1:9/token")

    with pytest.raises(UnreachableError, match="token endpoint does not answer"):
        grants(GoogleSignIn(named(path)))

"""Entra's tokens for Azure: out of azure-identity's own chain, kept, and renewed before their end."""

import asyncio
import json
import os
import stat
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from pointsman.accounts.auth import azure_entra
from pointsman.accounts.auth.azure_entra import AzureSignIn
from pointsman.canon.errors import NoCredentialError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.config import shipped
from pointsman.routing.snapshot import Backend
from scripted import Upstream, in_thread, json_reply

SCOPE = "https://ai.azure.com/.default"
ROW = Provider("acme", "Acme", "page", {"talk": Speaks("")}, sign_in="azure-entra", token_scope=SCOPE)
BACKEND = Backend("acme", ROW, {"talk": "https://acme.example"}, "", key_env="ACME_KEY")


@pytest.fixture(autouse=True)
def no_azure(monkeypatch, tmp_path):
    """A machine on which nobody has signed in: no variables, and no `az` in the path."""
    for name in tuple(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def machine(monkeypatch):
    """The identity of an App Service, which gives out tokens on loopback."""
    with in_thread(Upstream()) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "canary-header")
        yield server


def token(value, lasts=3600):
    until = int(time.time() + lasts)
    return json_reply({"access_token": value, "expires_on": str(until), "token_type": "Bearer"})


def grants(sign_in, times=1, backend=BACKEND):
    async def ask():
        return await asyncio.gather(*(sign_in(backend) for _ in range(times)))

    return asyncio.run(ask())


def test_the_machines_own_identity_gives_a_token_for_the_rows_scope_which_is_kept(machine):
    machine.then(token("entra-one"))

    found = grants(AzureSignIn(os.environ), times=20)

    assert {grant.headers for grant in found} == {(("authorization", "Bearer entra-one"),)}
    assert [secret.reveal() for secret in found[0].secrets] == ["entra-one"]
    (seen,) = machine.requests
    assert dict(parse_qsl(urlsplit(seen.target).query))["resource"] == "https://ai.azure.com"


def test_a_token_is_renewed_before_its_end(machine, monkeypatch):
    machine.then(token("one"), token("two"))
    sign_in = AzureSignIn(os.environ)
    (first,) = grants(sign_in)
    now = time.time()

    monkeypatch.setattr(azure_entra.time, "time", lambda: now + 3600 - azure_entra.EARLY + 1)
    # azure-identity keeps tokens of its own; whoever asks it late is given a new one.
    sign_in._chain = None
    (second,) = grants(sign_in)

    assert first.headers == (("authorization", "Bearer one"),)
    assert second.headers == (("authorization", "Bearer two"),)


def test_who_has_signed_in_with_az_is_asked(monkeypatch, tmp_path):
    told = {"accessToken": "az-token", "expires_on": int(time.time() + 3600), "tokenType": "Bearer"}
    az = tmp_path / "bin" / "az"
    az.parent.mkdir()
    az.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(told))})\n")
    az.chmod(az.stat().st_mode | stat.S_IXUSR)

    (grant,) = grants(AzureSignIn(os.environ))

    assert grant.headers == (("authorization", "Bearer az-token"),)


def test_where_nobody_has_signed_in_it_says_what_to_do_and_asks_no_metadata_service():
    began = time.monotonic()

    with pytest.raises(NoCredentialError) as caught:
        grants(AzureSignIn(os.environ))

    assert "sign in with `az login`, or set AZURE_TENANT_ID" in caught.value.message
    assert "set ACME_KEY to a key" in caught.value.message
    assert time.monotonic() - began < 10


def test_a_refusal_repeats_nothing(machine):
    machine.then(json_reply({"error": "canary-secret"}, status=400))

    with pytest.raises(NoCredentialError) as caught:
        grants(AzureSignIn(os.environ))

    assert "canary" not in caught.value.message


def test_without_its_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.identity", None)

    with pytest.raises(NoCredentialError, match=r"install `pointsman\[azure\]`, or set ACME_KEY"):
        grants(AzureSignIn(os.environ))


def test_nothing_is_logged_that_holds_a_token(machine, caplog):
    caplog.set_level("DEBUG")
    machine.then(token("canary-token"))

    grants(AzureSignIn(os.environ))

    assert "canary" not in caplog.text


def test_azures_rows_are_signed_in_to_and_say_for_what():
    rows = [row for row in shipped.providers().values() if row.sign_in == "azure-entra"]

    assert len(rows) == 2
    assert all(row.token_scope.endswith("/.default") for row in rows)

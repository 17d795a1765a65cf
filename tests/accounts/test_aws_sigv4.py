"""AWS's credentials: where they are looked for, what is never asked, and what a signature covers."""

import asyncio
import json
import sys

import pytest

from pointsman.accounts.auth import aws_sigv4
from pointsman.accounts.auth.aws_sigv4 import AwsSignIn, region_of
from pointsman.canon.errors import NoCredentialError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Backend
from pointsman.upstream.transport import Outgoing

ROW = Provider("acme", "Acme", "page", {"talk": Speaks("")}, sign_in="aws-sigv4", signing_name="points")
URL = "https://points.eu-central-1.amazonaws.com"
SENT = Outgoing(
    "POST",
    f"{URL}/model/a%3A0/x?b=2&a=1",
    (("content-type", "application/json"), ("x-amz-date", "old"), ("via", "1.1 proxy")),
    b"{}",
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine without credentials, whose profiles a test writes."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def backend(url=URL, **facts):
    return Backend("acme", ROW, {"talk": url}, "", **facts)


def granted(made, environment=None):
    return asyncio.run(AwsSignIn(environment or {})(made))


def fields_of(grant):
    return dict(grant.sign(SENT).headers)


def test_the_variables_sign_with_their_token(home, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary-token")

    grant = granted(backend())
    fields = fields_of(grant)

    assert fields["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-central-1/points/aws4_request" in fields["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in fields["authorization"]
    assert fields["x-amz-security-token"] == "canary-token"
    assert fields["x-amz-date"] != "old"
    assert fields["via"] == "1.1 proxy"
    assert [secret.reveal() for secret in grant.secrets] == ["canary-secret", "canary-token"]
    assert "canary" not in repr(grant)


def test_the_signature_depends_on_every_part_of_the_request(home, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    sign = granted(backend()).sign
    others = [
        Outgoing("GET", SENT.url, SENT.headers, SENT.body),
        Outgoing("POST", SENT.url + "&c=3", SENT.headers, SENT.body),
        Outgoing("POST", SENT.url, SENT.headers, b"{ }"),
    ]

    made = {dict(sign(each).headers)["authorization"] for each in (SENT, *others)}

    assert len(made) == 4


def test_a_profile_is_used_that_the_backend_names(home):
    (home / "credentials").write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = B\n"
        "[work]\naws_access_key_id = WORK\naws_secret_access_key = C\n"
    )

    default, work = granted(backend()), granted(backend(credentials="work"))

    assert "Credential=A/" in fields_of(default)["authorization"]
    assert "Credential=WORK/" in fields_of(work)["authorization"]


def test_a_profiles_process_is_asked(home):
    told = {"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "s", "SessionToken": "t"}
    script = home / "process.py"
    script.write_text(f"print({json.dumps(json.dumps(told))})")
    (home / "config").write_text(f"[default]\ncredential_process = {sys.executable} {script}\n")

    assert "Credential=PROC/" in fields_of(granted(backend()))["authorization"]


def test_a_profile_that_is_not_there_is_told(home):
    with pytest.raises(NoCredentialError, match="ProfileNotFound"):
        granted(backend(credentials="nobody"))


def test_without_credentials_no_metadata_service_is_asked(home, monkeypatch):
    def asked(*_, **__):
        raise AssertionError("the metadata service was asked")

    monkeypatch.setattr("botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials", asked)

    with pytest.raises(NoCredentialError, match="AWS_PROFILE"):
        granted(backend())


def test_the_metadata_service_is_asked_where_the_user_said_so(home, monkeypatch):
    found = {
        "role_name": "r",
        "access_key": "INST",
        "secret_key": "s",
        "token": "t",
        "expiry_time": "2999-01-01T00:00:00Z",
    }
    monkeypatch.setattr(
        "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials", lambda _: found
    )

    grant = granted(backend(), {"AWS_EC2_METADATA_DISABLED": "false"})

    assert "Credential=INST/" in fields_of(grant)["authorization"]


def test_credentials_that_somebody_changed_are_seen_after_a_while(home, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(aws_sigv4, "monotonic", lambda: now)
    file = home / "credentials"
    file.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = B\n")
    sign_in = AwsSignIn({})

    def key():
        return fields_of(asyncio.run(sign_in(backend())))["authorization"].split("=")[1].split("/")[0]

    assert key() == "OLD"
    file.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = B\n")
    assert key() == "OLD"
    now += aws_sigv4.AGAIN + 1
    assert key() == "NEW"


@pytest.mark.parametrize(
    ("url", "places", "region"),
    [
        ("https://points.eu-central-1.amazonaws.com", {"region": "us-east-1"}, "eu-central-1"),
        ("https://points.us-gov-west-1.api.aws", {}, "us-gov-west-1"),
        ("https://vpce-1-a.points.ap-southeast-2.vpce.amazonaws.com", {}, "ap-southeast-2"),
        ("http://127.0.0.1:9", {"region": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_region_is_the_addresss_own_or_the_configured_one(url, places, region):
    assert region_of(backend(url, places=places)) == region


def test_a_region_that_nobody_knows_is_asked_for():
    with pytest.raises(NoCredentialError, match="AWS_REGION"):
        region_of(backend("http://127.0.0.1:9"))


def test_without_the_library_the_extra_is_named(home, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(aws_sigv4, "import_module", missing)

    with pytest.raises(NoCredentialError, match=r"pointsman\[aws\]"):
        granted(backend())

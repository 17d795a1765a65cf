"""`keys` and `resume` on the command line."""

import hashlib
import json

import pytest

SHOWN_ONCE = "shown this once"


def test_a_key_is_printed_once_and_only_its_digest_is_kept(cli, home):
    made = cli("keys", "add", "anna", "--model", "claude-*", "--dollars-per-day", "5")
    key = made.out.strip()
    file = home / "data" / "client-keys.json"

    assert key.startswith("pm-")
    assert len(key) > 40
    assert SHOWN_ONCE in made.err
    assert "POINTSMAN_API_KEY is not set here" in made.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in file.read_text()
    assert hashlib.sha256(key.encode()).hexdigest() in file.read_text()


def test_keys_are_listed_with_their_models_and_limits(cli):
    cli("keys", "add", "anna", "--model", "claude-*", "--dollars-per-day", "5", "--requests-per-minute", "10")
    cli("keys", "add", "ben")
    cli("keys", "revoke", "ben")

    table = cli("keys", "list").out.splitlines()
    told = json.loads(cli("keys", "list", "--json").out)["keys"]

    assert [line.split()[0] for line in table] == ["NAME", "anna", "ben"]
    assert "claude-*" in table[1]
    assert "$5.00 a day, 10 requests a minute" in table[1]
    assert table[2].endswith("revoked")
    assert [(each["name"], each["revoked"] is None) for each in told] == [("anna", True), ("ben", False)]
    assert told[0]["limits"] == {"dollars_per_day": 5.0, "requests_per_minute": 10}


def test_a_name_is_given_once_and_again_after_it_was_revoked(cli):
    first = json.loads(cli("keys", "add", "anna", "--json").out)["key"]
    twice = cli("keys", "add", "anna")
    cli("keys", "revoke", "anna")
    second = json.loads(cli("keys", "add", "anna", "--json").out)["key"]

    assert (twice.status, "there is a key anna already" in twice.err) == (2, True)
    assert first != second


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 65])
def test_a_name_that_could_not_be_shown_is_refused(cli, name):
    assert cli("keys", "add", name).status == 2


@pytest.mark.parametrize("option", ["--dollars-per-day", "--dollars-per-month"])
@pytest.mark.parametrize("most", ["nan", "inf", "-1", "1e400"])
def test_a_limit_that_no_sum_could_reach_is_refused(cli, option, most):
    told = cli("keys", "add", "anna", option, most)

    assert (told.status, told.out) == (2, "")
    assert json.loads(cli("keys", "list", "--json").out)["keys"] == []


def test_what_is_not_there_cannot_be_revoked(cli):
    gone = cli("keys", "revoke", "nobody")

    assert (gone.status, "pointsman keys list" in gone.err) == (2, True)


def test_a_file_that_cannot_be_read_is_told(cli, home):
    (home / "data").mkdir(parents=True)
    (home / "data" / "client-keys.json").write_text("{")

    told = cli("keys", "list")

    assert (told.status, "client-keys.json cannot be read" in told.err) == (2, True)


def test_there_is_nothing_to_resume_without_an_endpoint(cli):
    told = cli("resume")

    assert (told.status, "no endpoint runs" in told.err) == (1, True)


def test_without_an_endpoint_the_halts_that_one_has_left_are_taken_back(cli, home):
    (home / "data").mkdir(parents=True, exist_ok=True)
    (home / "data" / "halts.json").write_text('{"plan": {"why": "billed", "until": 9e9}}')
    left, again = cli("resume"), cli("resume")

    assert (left.status, left.out) == (0, "goes on: plan\n")
    assert (again.status, json.loads((home / "data" / "halts.json").read_text())) == (1, {})

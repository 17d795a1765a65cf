"""A process killed at any point of a token's renewal, a key's write or an account's: old files or new ones.

300 kills, each before a line of our code (or of what makes the file) that chance has chosen.
"""

import json
import os
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from oauth_rows import NAME, row, signed_in

from oauth_provider import provider
from pointsman.accounts.oauth.record import SignInFile
from pointsman.accounts.oauth.session import renewal_of
from pointsman.accounts.secret_file import SecretFile
from pointsman.canon.errors import NoCredentialError

KILLS = 100
HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture
def mortal():
    """Forks children that do something and may be killed at a line of it."""
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    process = subprocess.Popen(
        [sys.executable, str(HERE / "mortal.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )

    def do(what, *arguments, line=None):
        process.stdin.write(json.dumps({"do": what, "with": arguments, "line": line}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with process:
        yield do
        process.stdin.close()


def test_a_renewal_that_is_killed_leaves_the_old_file_or_the_new_one_and_one_clear_word(mortal, tmp_path):
    chance = random.Random(26)
    ends = {"as before": 0, "renewed": 0, "ended": 0}
    with provider() as issuer:
        signed_in(issuer, tmp_path)
        lines = mortal("renew", str(tmp_path), issuer.url)["lines"]
        for _ in range(KILLS):
            before = signed_in(issuer, tmp_path)
            told = mortal("renew", str(tmp_path), issuer.url, line=chance.randint(1, lines))
            assert told["killed"]
            ends[_end(issuer, tmp_path, before)] += 1

    assert ends["as before"] > 0
    assert ends["renewed"] > 0
    # Where the provider had answered and nothing was written yet; not at each run, but never more than that.
    assert sum(ends.values()) == KILLS


def _end(issuer, data, before):
    """How it went on after a kill; the file is whole, and the provider is asked once more at most."""
    after = SignInFile(data, NAME).read()
    asked = issuer.asked("/token")
    if after != before:
        assert after.access_token == issuer.access_tokens[-1]
        assert after.refresh_token in issuer.refresh_tokens
        return "renewed"
    renewal = renewal_of(row(issuer.url), data)
    words = set()
    for _ in range(3):
        try:
            renewal.renewed(before)
        except NoCredentialError as error:
            words.add(error.message)
    assert issuer.asked("/token") - asked == 1
    assert len(words) <= 1
    assert all("sign in again" in each for each in words)
    return "ended" if words else "as before"


def test_a_key_whose_write_is_killed_is_there_or_not_and_the_others_are(mortal, tmp_path):
    chance = random.Random(27)
    file = SecretFile(tmp_path)
    lines = mortal("keep", str(tmp_path), "first", "key-first")["lines"]
    written = 0
    for number in range(KILLS):
        before = file.read().secrets
        line = chance.randint(1, lines)
        told = mortal("keep", str(tmp_path), f"name-{number}", f"key-{number}", line=line)
        after = file.read().secrets

        assert told["killed"]
        assert not file.is_corrupt()
        assert after in (before, {**before, f"name-{number}": f"key-{number}"})
        written += after != before

    assert 0 < written < KILLS
    assert file.read().secrets["first"] == "key-first"
    mortal("keep", str(tmp_path), "last", "key-last")
    assert [path.name for path in tmp_path.glob("*.new")] == []


WORK = '# mine\nversion = 1\n\n[backends.work]\nprovider = "openai"\nkey_env = "WORK_KEY"\n'


def test_an_account_whose_writing_is_killed_is_there_or_not_and_the_others_are(mortal, tmp_path):
    chance = random.Random(28)
    file, keys = tmp_path / "config.toml", SecretFile(tmp_path / "data")
    file.write_text(WORK)
    lines = mortal("add", str(tmp_path), "first", "key-first")["lines"]
    ends = {"nothing": 0, "account": 0, "both": 0}
    for number in range(KILLS):
        before, kept = accounts(file), keys.read().secrets
        name = f"a{number}"
        told = mortal("add", str(tmp_path), name, f"key-{name}", line=chance.randint(1, lines))
        after, stored = accounts(file), keys.read().secrets

        assert told["killed"]
        assert after in (before, [*before, name])
        assert stored in (kept, {**kept, f"work/{name}": f"key-{name}"})
        assert after != before or stored == kept
        ends["nothing" if after == before else "account" if stored == kept else "both"] += 1

    assert ends["nothing"] > 0
    assert ends["account"] + ends["both"] > 0
    assert file.read_text().startswith(WORK)
    assert keys.read().secrets["work/first"] == "key-first"


def accounts(file):
    """The accounts in a file, which is whole."""
    return list(tomllib.loads(file.read_text())["backends"]["work"].get("accounts", {}))

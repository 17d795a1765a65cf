"""Several processes with one sign-in: one of them renews, and the others take what it was given."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from oauth_rows import NAME, signed_in

from oauth_provider import provider
from pointsman.accounts.oauth.record import SignInFile

HERE = Path(__file__).parent
MANY = 3


def renewing(data, url):
    return subprocess.Popen(
        [sys.executable, str(HERE / "renewing.py"), str(data), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])},
    )


def test_processes_that_renew_at_once_ask_once_and_all_have_the_new_token(tmp_path):
    with provider() as issuer, ExitStack() as stack:
        signed_in(issuer, tmp_path)
        processes = [stack.enter_context(renewing(tmp_path, issuer.url)) for _ in range(MANY)]
        assert [each.stdout.readline() for each in processes] == ["ready\n"] * MANY
        # The provider answers only when each of them has set out.
        all_ask = threading.Event()
        issuer.hold = lambda: all_ask.wait(30)
        for each in processes:
            each.stdin.write("go\n")
            each.stdin.flush()
        assert [each.stdout.readline() for each in processes] == ["asks\n"] * MANY
        all_ask.set()

        given = {each.stdout.readline().strip() for each in processes}

        assert issuer.asked("/token") == 1
        assert given == {issuer.access_tokens[-1]} == {SignInFile(tmp_path, NAME).read().access_token}
        for each in processes:
            each.stdin.close()

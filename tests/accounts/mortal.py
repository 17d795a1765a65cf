"""A process that does what it is told and may be killed at any line of it; see `test_kills.py`.

It imports everything once and forks a child for each attempt. For each line on standard input
`{"do": …, "line": N}` the child does it and kills itself as the N-th line of pointsman's own code begins;
without `line` it does it to its end. The answer is `{"killed": …, "lines": …}`.
"""

import json
import os
import signal
import sys
from pathlib import Path

from oauth_rows import row

import pointsman
from pointsman.accounts.keyring_store import KeyringStore
from pointsman.accounts.oauth.session import renewal_of
from pointsman.accounts.secret import Secret
from pointsman.accounts.vault import Vault
from pointsman.cli.account_file import AccountFile

OURS = str(Path(pointsman.__file__).parent)
WRITING = "tempfile.py"


class Count:
    """Counts the lines of our code, and those of the standard library's that make the file."""

    def __init__(self, last):
        self.lines, self.last = 0, last

    def __call__(self, frame, event, _):
        name = frame.f_code.co_filename
        if not name.startswith(OURS) and not name.endswith(WRITING):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def renew(data, url):
    """A renewal, by force."""
    renewal = renewal_of(row(url), Path(data))
    renewal.renewed(renewal.kept())


def keep(data, name, value):
    """A key into the vault's file."""
    Vault(Path(data), "file", KeyringStore("none")).put(name, Secret(value))


def add(home, alias, value):
    """An account into the configuration's file, and its key into the vault's."""
    os.environ.update(POINTSMAN_HOME=home, POINTSMAN_SECRETS="file")
    AccountFile().add_account("work", alias, None, Secret(value))


def attempt(ask, write):
    """The child's whole life."""
    count = Count(ask.get("line"))
    sys.settrace(count)
    {"renew": renew, "keep": keep, "add": add}[ask["do"]](*ask["with"])
    sys.settrace(None)
    os.write(write, str(count.lines).encode())
    os._exit(0)


def fork(ask):
    """Forks a child for an attempt; what became of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        attempt(ask, write)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as lines:
        told = lines.read()
    return {"killed": os.WIFSIGNALED(status), "lines": int(told) if told else None}


def main():
    for line in sys.stdin:
        print(json.dumps(fork(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

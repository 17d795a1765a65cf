"""`pointsman service` under a real systemd: installed, started again after a kill, removed.

systemd runs as a user's manager in a mount namespace of the test's own, over an empty `/run`.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

MANAGER = Path("/lib/systemd/systemd")
WITHIN = 60
"""Seconds for the whole of a test here."""

SESSION = textwrap.dedent("""\
    set -eu
    mount --make-rprivate /
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
    chmod 700 "$XDG_RUNTIME_DIR"
    unset DBUS_SESSION_BUS_ADDRESS
    {manager} --user >"$HOME/manager.log" 2>&1 &
    trap 'systemctl --user exit; wait' EXIT
    until systemctl --user is-system-running --quiet; do kill -0 $!; read -rt 0.1 <> <(:) || :; done
    "$@"
    """)
"""Starts a manager, runs a command beside it, ends it."""


def _can_have_a_session():
    """Whether a namespace may be made here, and systemd is there to run in it."""
    if not (sys.platform == "linux" and MANAGER.exists() and shutil.which("unshare")):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not _can_have_a_session(), reason="needs systemd, and the right to make a mount namespace (root)"
)


@pytest.fixture
def session(tmp_path):
    """Runs a shell script in a session that systemd manages; what it printed, by line."""
    script = tmp_path / "session.sh"
    script.write_text(SESSION.format(manager=MANAGER))
    home = tmp_path / "user"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": "/run/user/pointsman",
        "XDG_CONFIG_HOME": str(home / "config"),
        "POINTSMAN_HOME": str(home / "pointsman"),
    }

    def run(commands):
        line = ["unshare", "--mount", "bash", str(script), "bash", "-euc", textwrap.dedent(commands)]
        done = subprocess.run(
            line, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        assert done.returncode == 0, done.stderr + (home / "manager.log").read_text()
        return done.stdout.splitlines()

    (home / "pointsman").mkdir()
    (home / "pointsman" / "config.toml").write_text("version = 1\ndiscover = false\nport = 0\n")
    return run


def test_systemd_starts_the_service_again_after_a_kill_and_forgets_it_when_removed(session):
    told = session(f"""
        pointsman() {{ {sys.executable} -m pointsman "$@"; }}
        main() {{ systemctl --user show --property MainPID --value pointsman.service; }}
        status() {{ pointsman status --json; }}
        until_running() {{ until status | grep -q '"running": true'; do read -rt 0.1 <> <(:) || :; done; }}
        pointsman service install >/dev/null
        until_running
        pointsman service status --json | tr -d '\\n'; echo
        first=$(main)
        kill -9 "$first"
        until [ "$(main)" != "$first" ] && [ "$(main)" != 0 ]; do read -rt 0.1 <> <(:) || :; done
        until_running
        echo "$first $(main) $(status | tr -d '\\n')"
        pointsman service remove >/dev/null
        systemctl --user is-active pointsman.service || :
        pointsman service status --json | tr -d '\\n' || :
        """)

    installed, running, active, removed = told
    first, second, facts = running.split(" ", 2)
    assert json.loads(installed)["running"] is True
    assert json.loads(facts)["pid"] == int(second) != int(first)
    assert active == "inactive"
    assert json.loads(removed)["installed"] is False

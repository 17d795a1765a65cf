"""`pointsman service` under a real systemd: installed, started again after a kill, removed.

systemd runs as a user's manager in namespaces and control groups of the test's own, over an empty `/run`.
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

GROUPS = tuple(Path("/sys/fs/cgroup") / folder for folder in (".", "systemd", "unified"))
"""Where the control groups that systemd manages may be rooted: all in one, or its own beside others."""

OUTSIDE = textwrap.dedent("""\
    set -eu
    for folder in "$@"; do mkdir "$folder"; echo $$ >"$folder/cgroup.procs"; done
    exec unshare --mount --pid --cgroup --fork --kill-child --mount-proc bash -c "$INSIDE"
    """)
"""Goes into control groups of its own, and makes namespaces in which nothing else is seen."""

INSIDE = textwrap.dedent(f"""\
    set -eu
    mount --make-rprivate /
    cd /sys/fs/cgroup
    if [ -e cgroup.procs ]; then mount -t cgroup2 cgroup2 .; fi
    for folder in systemd unified; do if [ -d $folder ]; then umount -l $folder; fi; done
    if [ -d systemd ]; then mount -t cgroup -o none,name=systemd cgroup systemd; fi
    if [ -d unified ]; then mount -t cgroup2 cgroup2 unified; fi
    mount -t tmpfs tmpfs /run
    mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
    chmod 700 "$XDG_RUNTIME_DIR"
    unset DBUS_SESSION_BUS_ADDRESS
    cd /
    {MANAGER} --user >"$HOME/manager.log" 2>&1 &
    manager=$!  # a substituted process would take its place in $!
    until systemctl --user is-system-running --quiet 2>/dev/null; do
      kill -0 $manager
      read -rt 0.1 <> <(:) || :
    done
    bash -euc "$COMMANDS"
    """)
"""Starts a manager and runs commands beside it; when they are over, everything in the namespace ends."""


def _can_have_a_session():
    """Whether a namespace may be made here, and systemd is there to run in it."""
    if not (sys.platform == "linux" and MANAGER.exists() and shutil.which("unshare")):
        return False
    apart = ["unshare", "--mount", "--pid", "--cgroup", "--fork", "true"]
    return subprocess.run(apart, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not _can_have_a_session(), reason="needs systemd, and the right to make namespaces (root)"
)


@pytest.fixture
def groups(tmp_path):
    """Control groups of the test's own, gone when it is over."""
    own = [folder / f"pointsman-{os.getpid()}" for folder in GROUPS if (folder / "cgroup.procs").exists()]
    yield own
    for group in own:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)


@pytest.fixture
def session(tmp_path, groups):
    """Runs shell commands in a session that systemd manages; what they printed, by line."""
    home = tmp_path / "user"
    log = home / "manager.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": "/run/user/pointsman",
        "XDG_CONFIG_HOME": str(home / "config"),
        "POINTSMAN_HOME": str(home / "pointsman"),
        "INSIDE": INSIDE,
    }

    def run(commands):
        done = subprocess.run(
            ["bash", "-c", OUTSIDE, "outside", *groups],
            env={**environment, "COMMANDS": textwrap.dedent(commands)},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert done.returncode == 0, (
            f"{done.stderr}\nsystemd said:\n{log.read_text() if log.exists() else ''}"
        )
        return done.stdout.splitlines()

    (home / "pointsman").mkdir(parents=True)
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

"""Locks hold across threads and processes, and die with their holder."""

import subprocess
import sys
import threading

import pytest

from pointsman.canon.errors import SetupError
from pointsman.store.locks import locked

HOLD = """
import sys
from pathlib import Path
from pointsman.store.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_waits_until_the_first_lets_go(tmp_path):
    order = []
    inside = threading.Event()

    def second():
        inside.wait(5)
        with locked(tmp_path / "a.lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with locked(tmp_path / "a.lock"):
        inside.set()
        order.append("first")
    thread.join(5)

    assert order == ["first", "second"]


def test_a_lock_file_is_its_owner_s_alone(tmp_path):
    path = tmp_path / "a.lock"
    with locked(path):
        assert path.stat().st_mode & 0o777 == 0o600
    with locked(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_of_another_process_is_waited_for_in_vain_and_ends_with_it(tmp_path):
    path = tmp_path / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SetupError, match="another pointsman may be writing"), locked(path, timeout=0.05):
            pass
    finally:
        holder.kill()
        holder.communicate()

    with locked(path, timeout=1):
        pass


def test_a_lock_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "a.lock").mkdir()

    with pytest.raises(SetupError, match="cannot lock"), locked(tmp_path / "a.lock"):
        pass


def test_the_lock_is_let_go_when_the_work_fails(tmp_path):
    with pytest.raises(ValueError, match="work"), locked(tmp_path / "a.lock"):
        raise ValueError("work")

    with locked(tmp_path / "a.lock", timeout=0.05):
        pass

"""The set-up script, over an interpreter that only writes down what it was asked to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INTERPRETER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  "-I -S -c"*) echo 3.11 ;;
  "-m venv"*)
    mkdir -p .venv/bin .venv/lib/python3.11/site-packages
    cp "$0" .venv/bin/python
    cp "$MODEL_COMMAND" .venv/bin/pointsman ;;
  *"pip install"*) exit "${PIP_STATUS:-0}" ;;
esac
"""
MODEL_COMMAND = """#!/bin/sh
echo "weights fetch" >>"$CALLS"
[ -z "$NO_MODEL" ] || exit 1
echo weights >"$HOME/model.gguf"
echo "$HOME/model.gguf"
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the set-up script and its inputs, and an interpreter that does nothing."""
    for part in ("pyproject.toml", "locks/run.txt", "scripts/setup"):
        target = tmp_path / "checkout" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, target)
    for name, text in (("python", INTERPRETER), ("pointsman", MODEL_COMMAND)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PYTHON", str(tmp_path / "python"))
    monkeypatch.setenv("MODEL_COMMAND", str(tmp_path / "pointsman"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "checkout"


def _set_up(checkout, *arguments, **environment):
    calls = Path(os.environ["CALLS"])
    calls.write_text("")
    done = subprocess.run(
        [checkout / "scripts" / "setup", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, calls.read_text()


def test_a_fresh_checkout_gets_an_environment_the_packages_and_the_model(checkout):
    done, calls = _set_up(checkout)

    assert done.returncode == 0
    assert done.stderr.count("set-up: ") == len(done.stderr.splitlines())
    assert "-m venv --without-pip .venv" in calls
    assert "--require-hashes --requirement locks/run.txt" in calls
    assert "--editable ." in calls
    assert "weights fetch" in calls


def test_a_second_set_up_does_nothing(checkout):
    _set_up(checkout)

    done, calls = _set_up(checkout, "--quiet")

    assert done.returncode == 0
    assert done.stderr == ""
    assert "install" not in calls
    assert "weights" not in calls


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    _set_up(checkout)
    with (checkout / "locks" / "run.txt").open("a") as lock:
        lock.write("# changed\n")

    done, calls = _set_up(checkout)

    assert done.returncode == 0
    assert "--requirement locks/run.txt" in calls
    assert "-m venv" not in calls


def test_an_interrupted_set_up_starts_anew(checkout):
    _set_up(checkout)
    (checkout / ".venv" / ".pointsman-setup").unlink()
    (checkout / ".venv" / ".pointsman-unfinished").touch()

    done, calls = _set_up(checkout)

    assert done.returncode == 0
    assert "-m venv" in calls


def test_a_moved_checkout_gets_a_new_environment(checkout):
    _set_up(checkout)
    moved = checkout.rename(checkout.with_name("moved"))

    done, calls = _set_up(moved)

    assert done.returncode == 0
    assert "-m venv" in calls


def test_packages_that_cannot_be_installed_fail_the_set_up_until_they_can(checkout):
    failed, _ = _set_up(checkout, PIP_STATUS="1")

    done, calls = _set_up(checkout)

    assert failed.returncode == 1
    assert "needs a network" in failed.stderr
    assert done.returncode == 0
    assert "--requirement locks/run.txt" in calls


def test_a_missing_model_has_a_status_of_its_own_and_is_fetched_next_time(checkout):
    failed, _ = _set_up(checkout, NO_MODEL="1")

    done, calls = _set_up(checkout)

    assert failed.returncode == 4
    assert "embedded model is not there yet" in failed.stderr
    assert done.returncode == 0
    assert "install" not in calls
    assert "weights fetch" in calls


def test_a_model_that_was_removed_is_fetched_again(checkout, tmp_path):
    _set_up(checkout)
    (tmp_path / "model.gguf").unlink()

    _, calls = _set_up(checkout)

    assert "weights fetch" in calls


def test_an_interpreter_that_is_not_there_is_named(checkout):
    done, _ = _set_up(checkout, PYTHON="/nowhere/python3")

    assert done.returncode == 1
    assert "no Python 3.11 or newer found as /nowhere/python3" in done.stderr

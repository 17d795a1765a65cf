"""`pointsman weights`, and what `serve` and `ask` do where the file is missing and cannot be had."""

import io
import json
import signal
import subprocess
import sys

import pytest

from pointsman.cli.progress import progress


@pytest.fixture
def without_network(monkeypatch, tmp_path):
    """No model in any cache, and no package index to fetch it from."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")


def test_without_a_network_fetching_fails_in_words(cli, without_network):
    result = cli("weights", "fetch")

    assert result.status == 1
    assert result.out == ""
    assert "cannot download the embedded model" in result.err


def test_a_missing_file_has_no_path(cli, without_network):
    result = cli("weights", "path")

    assert (result.status, result.out) == (1, "")
    assert "pointsman weights fetch" in result.err
    assert "not fetched yet" in cli("weights").out


def test_a_machine_reads_what_is_missing(cli, without_network):
    result = cli("weights", "--json")

    facts = json.loads(result.out)
    assert (result.status, facts["path"]) == (0, None)
    assert facts["bytes"] > 50_000_000


@pytest.mark.engine
def test_a_file_that_is_there_is_not_fetched_again(cli, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    result = cli("weights", "fetch")

    assert result.status == 0
    assert result.out == cli("weights", "path").out
    assert result.out.rstrip().endswith(".gguf")


def test_serve_starts_without_the_file_and_warns(without_network, tmp_path):
    command = [sys.executable, "-m", "pointsman", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "warning: " in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert "cannot download the embedded model" in seen[-1]
    assert process.returncode == 0


def test_ask_fails_without_the_file(cli, without_network):
    result = cli("ask", "Hi", "-m", "local")

    assert result.status == 1
    assert "cannot download the embedded model" in result.err


def test_a_download_is_told_in_quarters_off_a_terminal(capsys):
    with progress("fetching") as show:
        for done in range(0, 101, 5):
            show(done * 1_000_000, 100_000_000)

    assert capsys.readouterr().err.splitlines() == [
        f"fetching: {done} of 100 MB" for done in (0, 25, 50, 75, 100)
    ]


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_a_download_is_a_bar_on_a_terminal(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")

    with progress("fetching") as show:
        show(50_000_000, 100_000_000)

    assert "50.0/100.0 MB" in screen.getvalue()


def test_nothing_is_shown_where_nothing_is_downloaded(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)

    with progress("fetching"):
        pass

    assert "fetching" not in screen.getvalue()

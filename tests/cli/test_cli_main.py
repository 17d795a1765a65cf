"""The entry point: help, version, exit statuses, and what is not imported for them."""

import subprocess
import sys

import pytest

from pointsman.cli.main import COMMANDS

HEAVY = ("rich", "httptools", "ssl", "tomlkit", "asyncio", "pointsman.app", "pointsman.config")


def test_the_help_lists_every_command_with_what_it_does(cli):
    result = cli("--help")

    assert result.status == 0
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in result.out
        assert line.split()[0] in result.out


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(option):
    code = f"import sys; from pointsman.cli.main import run; run(['{option}']); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not set(HEAVY) & set(done.stdout.split())


COMMAND_LINES = [
    *((name,) for name in COMMANDS),
    *(("backend", name) for name in ("add", "list", "remove", "test")),
    *(("config", name) for name in ("path", "check")),
    *(("weights", name) for name in ("fetch", "path")),
    *(("service", name) for name in ("install", "remove", "status")),
]


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_every_command_has_help_with_an_example(cli, words):
    result = cli(*words, "--help")

    assert result.status == 0
    assert "Example:" in result.out
    assert "pointsman" in result.out.partition("Example:")[2]


def test_an_unknown_command_is_a_usage_error(cli):
    result = cli("sevre")

    assert result.status == 2
    assert "No such command" in result.err


def test_no_colour_reaches_what_is_not_a_terminal(cli, config):
    config("default = 1\n")

    result = cli("status")

    assert "\x1b[" not in result.out + result.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_pointsman(cli, shell):
    result = cli("completion", shell)

    assert result.status == 0
    assert "_POINTSMAN_COMPLETE" in result.out


def test_completion_of_an_unknown_shell_is_a_usage_error(cli):
    assert cli("completion", "tcsh").status == 2


def test_a_shell_is_offered_the_commands_that_begin_so(monkeypatch, capsys):
    from click.shell_completion import BashComplete

    from pointsman.cli.main import pointsman

    found = BashComplete(pointsman, {}, "pointsman", "_POINTSMAN_COMPLETE").get_completions([], "s")

    assert [item.value for item in found] == ["serve", "status", "show", "service"]

"""The command line in this process: `cli(...)` runs it and gives back what came of it."""

import io
import sys
from dataclasses import dataclass

import pytest

from pointsman.cli.main import run


@dataclass
class Result:
    status: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self):
        return True


@pytest.fixture
def cli(capsys, monkeypatch):
    """Runs a command line; `given` is standard input, `typed` what a person types at hidden prompts."""

    def call(*arguments, given="", typed=None):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given) if typed is None else Terminal(given))
        answers = iter(typed or ())
        monkeypatch.setattr("click.termui.hidden_prompt_func", lambda prompt: _answer(prompt, answers))
        status = run(list(arguments))
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return call


def _answer(prompt, answers):
    print(prompt, file=sys.stderr)
    return next(answers)


@pytest.fixture
def config(home):
    """Writes `config.toml`, or reads it."""
    file = home / "config.toml"

    def write(text=None):
        if text is not None:
            home.mkdir(exist_ok=True)
            file.write_text(text)
        return file.read_text()

    return write

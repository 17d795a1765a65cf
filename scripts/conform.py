"""Runs the public conformance suites through a pointsman and prints their results as tables.

python -m scripts.conform [--suite DIR] [--only TEXT] [--over NAME]

Every suite runs over the embedded model and over a scripted upstream in each of the dialects: in the suite's
own dialect that is a relay, in the others a translation. `--only` chooses suites whose name holds the text.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.suites import BINARIES, ROOT, Suite, suites

CONFIG = """\
[aliases]
{aliases}

{backends}
"""
BACKEND = """\
[backends.{name}]
provider = "{provider}"
base_url = "http://127.0.0.1:{port}{base}"
dialects = ["{dialect}"]
key_env = "SCRIPTED_KEY"
models = ["{model}"]
"""
OVER = {
    "chat": ("openai", "/v1", "openai_chat", "gpt-5.2"),
    "messages": ("anthropic", "", "anthropic", "claude-haiku-4-5"),
    "responses": ("openai", "/v1", "openai_responses", "gpt-5.2"),
    "gemini": ("google", "", "gemini", "gemini-3.5-flash"),
}
"""Name → provider, path of the base address, dialect and model of the scripted upstream."""
EMBEDDED = "embedded"
NAMED = "gpt-5-claude-4-over-{name}"
"""llm-comply leaves its cases of thinking out for a model whose name does not promise any."""
STARTS_WITHIN = 30.0


def main(arguments: Sequence[str]) -> int:
    """Runs and prints; the exit status is 0 whatever the suites say."""
    parser = argparse.ArgumentParser(prog="scripts.conform")
    parser.add_argument("--suite", type=Path, help="a copy of the Open Responses repository")
    parser.add_argument("--only", default="", help="only suites whose name holds this")
    parser.add_argument("--over", choices=(EMBEDDED, *OVER), help="only over this")
    asked = parser.parse_args(arguments)
    chosen = [suite for suite in suites(asked.suite and asked.suite.resolve()) if asked.only in suite.name]
    over = (asked.over,) if asked.over else (EMBEDDED, *OVER)
    with (
        tempfile.TemporaryDirectory() as folder,
        scripted() as port,
        pointsman(Path(folder), port) as address,
    ):
        report(chosen, over, address)
    return 0


def report(chosen: Sequence[Suite], over: Sequence[str], address: str) -> None:
    """Runs every suite over every upstream; a line of the table as soon as it is known."""
    print("\n| suite | " + " | ".join(over) + " |", "|---" * (len(over) + 1) + "|", sep="\n")
    failed: dict[str, list[str]] = {}
    for suite in chosen:
        cells: list[str] = []
        for name in over:
            cases = suite.run(address, "local" if name == EMBEDDED else NAMED.format(name=name))
            cells.append(f"{sum(case.passed for case in cases)} of {len(cases)}")
            for case in (case for case in cases if not case.passed):
                failed.setdefault(f"- {suite.name}: *{case.name}*: {case.why}", []).append(name)
        print(f"| {suite.name} | {' | '.join(cells)} |", flush=True)
    print("", *(f"{what} (over {', '.join(names)})" for what, names in failed.items()), sep="\n")


@contextmanager
def scripted() -> Generator[int]:
    """The scripted upstream in a process of its own; its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def pointsman(folder: Path, port: int) -> Generator[str]:
    """An endpoint over the scripted upstream and the embedded model; its address."""
    home, port_file, log = folder / "home", folder / "port", folder / "log"
    home.mkdir()
    (home / "config.toml").write_text("version = 1\n" + configuration(port), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [BINARIES / "pointsman", "serve", "--port", "0", "--port-file", port_file, "--no-discover"],
            env={**os.environ, "POINTSMAN_HOME": str(home), "SCRIPTED_KEY": "sk-scripted"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{_port(process, port_file, log)}"
    finally:
        process.terminate()
        process.wait()


def configuration(port: int) -> str:
    """A backend and an alias for each dialect of the scripted upstream."""
    aliases: list[str] = []
    backends: list[str] = []
    for name, (provider, base, dialect, model) in OVER.items():
        aliases.append(f'{NAMED.format(name=name)} = "{name}:{model}"')
        backends.append(
            BACKEND.format(name=name, provider=provider, port=port, base=base, dialect=dialect, model=model)
        )
    return CONFIG.format(aliases="\n".join(aliases), backends="\n".join(backends))


def _port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    deadline = time.monotonic() + STARTS_WITHIN
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"pointsman does not answer:\n{log.read_text()}")
        time.sleep(0.05)
    return int(port_file.read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

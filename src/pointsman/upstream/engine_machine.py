"""Whether this machine can run the engine: its wheel for x86-64 needs AVX2 and dies without it."""

import ctypes
import platform
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

INSTEAD = (
    "the embedded model cannot run here. Use a real backend: set a provider's key such as "
    "`ANTHROPIC_API_KEY`, or run `pointsman backend add`"
)
"""What to do where the engine does not run."""

_X86 = {"x86_64", "amd64", "i386", "i686"}
_WINDOWS_AVX2 = 40
"""PF_AVX2_INSTRUCTIONS_AVAILABLE of IsProcessorFeaturePresent (learn.microsoft.com, processthreadsapi)."""


def refusal() -> str | None:
    """Why the engine cannot run on this machine, and what to do; None if nothing speaks against it."""
    if find_spec("xllamacpp") is None:
        return f"the package `xllamacpp` is not installed (it has no wheel for this platform): {INSTEAD}"
    return cpu_refusal(platform.machine(), cpu_features())


def cpu_refusal(machine: str, features: str | None) -> str | None:
    """The same for a processor, given the text in which the system lists its features."""
    if machine.lower() not in _X86 or features is None:
        return None
    if "avx2" in re.split(r"[^a-z0-9_.]+", features.lower()):
        return None
    return f"this processor lacks AVX2, which the engine is built for: {INSTEAD}"


def cpu_features() -> str | None:
    """The text in which this system lists its processor's features; None where it does not say."""
    if sys.platform == "win32":
        return "avx2" if ctypes.windll.kernel32.IsProcessorFeaturePresent(_WINDOWS_AVX2) else ""
    if sys.platform == "darwin":
        return _sysctl()
    return _first_flags(Path("/proc/cpuinfo"))


def _sysctl() -> str | None:
    names = ["machdep.cpu.features", "machdep.cpu.leaf7_features"]
    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", *names], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout or None


def _first_flags(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    lines = (line.partition(":")[2] for line in text.splitlines() if line.startswith("flags"))
    return next(lines, None)

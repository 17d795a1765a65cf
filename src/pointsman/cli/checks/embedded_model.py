"""The embedded model: whether its file is here, and whether this machine has the memory for it."""

import importlib.util
import os
from collections.abc import Iterator

from pointsman.cli.checks.finding import Finding, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.config.paths import platform_cache
from pointsman.upstream.weights import SMOLLM2, find

ENGINE = "xllamacpp"
ROOM = 3
"""Times the file's size that it wants of memory, with its context."""


def check(scene: Scene) -> Iterator[Finding]:
    """One line."""
    what = "embedded model"
    if importlib.util.find_spec(ENGINE) is None:
        mend = "pip install --force-reinstall pointsman, where there is an engine for this machine"
        yield warn(what, f"{ENGINE} is not installed, so that `local` cannot answer", mend)
        return
    file = find((scene.paths.cache, platform_cache()))
    if file is None:
        why = f"the file of {SMOLLM2.model} is not here ({SMOLLM2.size / 1e6:.0f} MB); `local` would fetch it"
        yield warn(what, why, "`pointsman weights fetch`")
        return
    free, needed = _free_memory(), ROOM * SMOLLM2.size
    if free is not None and free < needed:
        why = f"it wants {needed / 1e6:.0f} MB of memory, and {free / 1e6:.0f} MB are free"
        yield warn(what, why, "end another program first")
    else:
        yield ok(what, f"{SMOLLM2.model} at {file}, and there is memory for it")


def _free_memory() -> int | None:
    """Bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None

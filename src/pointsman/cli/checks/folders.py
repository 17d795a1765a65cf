"""The folders, and the files in them that hold a secret: each for its owner alone."""

import os
import shlex
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene

OTHERS = 0o077
"""What nobody but the owner may do."""
LOCK = ".lock"
MOST = 200
"""Files that are looked at in a folder."""


def check(scene: Scene) -> Iterator[Finding]:
    """One line for each folder, one more for each file that others may read."""
    paths = scene.paths
    for name in ("config", "data", "cache", "run"):
        folder: Path = getattr(paths, name)
        yield _folder(f"folder {name}", folder)
    kept = (each for folder in (paths.data, paths.run) for each in islice(folder.rglob("*"), MOST))
    yield from filter(None, map(_file, (paths.config_file, *sorted(kept))))


def _folder(what: str, folder: Path) -> Finding:
    if not folder.exists():
        return ok(what, f"{folder} is not there yet; it is made when needed")
    if not folder.is_dir():
        return fail(what, f"{folder} is no folder", f"mv {_quoted(folder)} {_quoted(folder)}.old")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fail(what, f"{folder} cannot be written by this user", f"sudo chown $USER {_quoted(folder)}")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if os.name != "nt" and mode & OTHERS:
        why = f"{folder} has mode {mode:04o}, and others may enter it"
        return warn(what, why, f"chmod 700 {_quoted(folder)}")
    return ok(what, f"{folder} ({mode:04o})")


def _file(file: Path) -> Finding | None:
    """What is wrong with a file; a lock holds nothing."""
    try:
        found = file.lstat()
    except OSError:
        return None  # it went meanwhile, or is not there yet
    mode = stat.S_IMODE(found.st_mode)
    regular = stat.S_ISREG(found.st_mode) and file.suffix != LOCK
    if os.name == "nt" or not regular or not mode & OTHERS:
        return None
    why = f"{file} has mode {mode:04o}, and others may read it"
    return warn(f"file {file.name}", why, f"chmod 600 {_quoted(file)}")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))

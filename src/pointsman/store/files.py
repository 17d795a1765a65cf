"""Private files: written whole or not at all, readable by their owner only."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from pointsman.canon.errors import SetupError

FOLDER_MODE = 0o700


def make_folder(folder: Path) -> Path:
    """Creates a folder, and those above it, for their owner alone; an old one stays. Raises SetupError."""
    try:
        _make(folder)
    except OSError as error:
        raise SetupError(f"cannot make the folder {folder}: {_reason(error)}") from error
    return folder


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private(folder: Path) -> Path:
    """Like `make_folder`, but one that exists is narrowed to its owner. Raises SetupError."""
    make_folder(folder)
    try:
        if folder.stat().st_mode & 0o077:
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise SetupError(f"cannot make {folder} private: {_reason(error)}") from error
    return folder


def write_private(path: Path, data: bytes) -> None:
    """Replaces a file, mode 0600: whoever reads it, whatever interrupts this, sees the old or the new one.

    A symbolic link is followed, so that a file kept elsewhere stays there. Raises SetupError.
    """
    target = path.resolve()
    make_folder(path.parent)
    try:
        _replace(target, data)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {_reason(error)}; the file is unchanged") from error


def _replace(target: Path, data: bytes) -> None:
    # mkstemp makes the file with mode 0600, in the same folder so that the rename stays on one file system.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_optional(path: Path) -> bytes | None:
    """The file's bytes, or None where there is none. Raises SetupError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"cannot read {path}: {_reason(error)}") from error


def matching(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder whose names match, in order; none where there is no folder. Raises SetupError."""
    try:
        return sorted(folder.glob(pattern))
    except OSError as error:
        raise SetupError(f"cannot read {folder}: {_reason(error)}") from error


def remove(path: Path) -> None:
    """Removes a file, if it is there. Raises SetupError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"cannot remove {path}: {_reason(error)}") from error


def sweep(path: Path) -> None:
    """Removes what interrupted writes of a file left; nobody else may be writing it. Raises SetupError."""
    for left in matching(path.parent, f".{path.name}.*.new"):
        remove(left)


def free_name(path: Path, suffix: str) -> Path:
    """`path` with `suffix` at its end, numbered if that name is taken."""
    wanted = path.with_name(f"{path.name}.{suffix}")
    number = 1
    while wanted.exists():
        number += 1
        wanted = path.with_name(f"{path.name}.{suffix}-{number}")
    return wanted


def set_aside(path: Path, suffix: str) -> Path:
    """Renames a file that cannot be used, and says where it is now. Raises SetupError."""
    kept = free_name(path, suffix)
    try:
        path.rename(kept)
    except OSError as error:
        raise SetupError(f"cannot set {path} aside: {_reason(error)}") from error
    return kept


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__

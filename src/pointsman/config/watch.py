"""Has the file changed, and does it still load? Asked now and then by the server; nothing here waits."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from pointsman.canon.errors import SetupError

Loaded = TypeVar("Loaded")


class Watch:
    """Remembers a file as it was; content decides, not the time stamp alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._digest = self._read()

    def changed(self) -> bool:
        """Whether the content differs from the last time this was asked."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        digest = self._read()
        self._stamp, old, self._digest = stamp, self._digest, digest
        return digest != old

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> bytes | None:
        try:
            return sha256(self._path.read_bytes()).digest()
        except OSError:
            return None


class Reload(Struct, Generic[Loaded], frozen=True):
    """What came of a change: a new configuration, or the reason why the old one stays."""

    loaded: Loaded | None = None
    error: str | None = None


class Reloader(Generic[Loaded]):
    """Loads anew when the file has changed since this was made. A broken edit leaves things as they are, and
    says why."""

    def __init__(self, path: Path, load: Callable[[], Loaded]) -> None:
        self._watch = Watch(path)
        self._load = load

    def poll(self) -> Reload[Loaded] | None:
        """None if nothing has changed."""
        if not self._watch.changed():
            return None
        try:
            return Reload(loaded=self._load())
        except SetupError as error:
            return Reload(error=kept(error))


def kept(error: SetupError) -> str:
    """Why an edit is not followed, and what holds instead."""
    return f"{error.message}; the configuration from before the edit stays in force"

"""The log file: a JSON line for each exchange, in a file that others may rotate meanwhile.

Whatever is wrong with the file is told once, and never disturbs anybody: the lines of that time are lost.
"""

import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pointsman.ledger.log_line import log_bytes
from pointsman.ledger.record import Record

LOG = logging.getLogger("pointsman")
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe that nobody reads must not keep the ledger waiting."""


class LogFile:
    """One file, made for its owner alone; its folder is not made. Told of records in one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        """Why it is not written, as long as it is not."""
        self.lost = 0
        """Lines that could not be written."""
        self._descriptor: int | None = None
        self._busy = threading.Lock()

    def __call__(self, records: Sequence[Record]) -> None:
        """Writes the lines of records; a listener of the ledger."""
        with self._busy:
            try:
                self._write(log_bytes(records))
            except OSError as error:
                self.lost += len(records)
                self._tell(error)
                self._close()
            else:
                self.trouble = None

    def reopen(self) -> None:
        """From now on lines go to the file that the path names now."""
        with self._busy:
            self._close()
            try:
                self._open()
            except OSError as error:
                self._tell(error)
            else:
                self.trouble = None

    def close(self) -> None:
        """Nothing more comes."""
        with self._busy:
            self._close()

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        return () if self.trouble is None else (self.trouble,)

    def _write(self, data: bytes) -> None:
        """All of it, or, where the disk is full, no half of a line. Raises OSError."""
        descriptor = self._open()
        before = os.fstat(descriptor).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            if os.fstat(descriptor).st_size == before + len(data) - len(rest):
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
            raise

    def _open(self) -> int:
        """The file that the path names now: it may have been moved or removed since. Raises OSError."""
        if self._descriptor is not None and not self._is_still_there(self._descriptor):
            self._close()
        if self._descriptor is None:
            self._descriptor = os.open(self.path, FLAGS, 0o600)
        return self._descriptor

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(descriptor))
        except OSError:
            return False

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _tell(self, error: OSError) -> None:
        if self.trouble is None:
            reason = error.strerror or type(error).__name__
            self.trouble = (
                f"the log file {self.path} cannot be written: {reason}; its lines are lost meanwhile"
            )
            LOG.warning(self.trouble)

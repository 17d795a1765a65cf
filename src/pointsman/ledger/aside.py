"""Aside: a listener that is told in a thread of its own, since it may be kept waiting: by a terminal that was
stopped, by a disk. Others go on meanwhile.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue

from pointsman.ledger.ledger import Listener
from pointsman.ledger.record import Record

MOST_WAITING = 10_000
"""Records that wait to be told; what comes on top is lost."""
CLOSE_SECONDS = 2.0
"""How long the last of it may take at the end."""


class Aside:
    """One listener's."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._queue: SimpleQueue[Sequence[Record] | None] = SimpleQueue()
        self._waiting = 0
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Records that it was never told."""

    def __call__(self, records: Sequence[Record]) -> None:
        """A listener of the ledger."""
        with self._counting:
            if self._waiting + len(records) > MOST_WAITING:
                self.lost += len(records)
                return
            self._waiting += len(records)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="pointsman reporting", daemon=True)
            self._thread.start()
        self._queue.put(records)

    def close(self) -> None:
        """Tells what is left, if that is quick."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while (records := self._queue.get()) is not None:
            self._listener(records)
            with self._counting:
                self._waiting -= len(records)

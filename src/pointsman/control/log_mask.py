"""The mask of the log: no line and no traceback tells a credential, whatever went wrong with it."""

import logging
import traceback
from collections.abc import Callable, Iterable
from typing import TypeAlias

Redact: TypeAlias = Callable[[bytes, Iterable[str]], bytes]
LOGGERS = ("pointsman", "asyncio")
"""Ours, and the one that tells of tasks whose fault nobody has asked for."""


class LogMask(logging.Filter):
    """One endpoint's, from its start to its end."""

    def __init__(self, redact: Redact) -> None:
        """`redact` takes out of a text what is a credential, or looks like one."""
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record through, with its text and its traceback masked."""
        record.msg, record.args = self._masked(record.getMessage()), ()
        if record.exc_info is not None and record.exc_info[0] is not None:
            # Whoever formats the record takes this instead of the exception.
            record.exc_text = self._masked("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return True

    def _masked(self, text: str) -> str:
        return self._redact(text.encode("utf-8", "replace"), ()).decode("utf-8", "replace")

    def begin(self) -> None:
        """From now on."""
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self)

    def end(self) -> None:
        """No longer; harmless when done already."""
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self)

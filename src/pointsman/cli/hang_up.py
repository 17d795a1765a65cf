"""SIGHUP: a terminal that was closed, or somebody who has rotated the log file."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

TERMINAL = "/dev/tty"


def on_hang_up(reopen: Callable[[], None], end: Callable[[int], None], *, has_log: bool) -> None:
    """Has SIGHUP open the log file anew, and end the endpoint where its terminal has gone.

    Without a log file there is nothing else to mean by it, so that on a terminal it ends the endpoint in any
    case. Whoever has no terminal, or was started by `nohup`, goes on.
    """
    if sys.platform == "win32":
        return
    goes_on = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN or not _has_terminal()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        # In a thread: a disk may be slow.
        loop.run_in_executor(None, reopen)
        if not goes_on and not (has_log and _has_terminal()):
            end(signal.SIGHUP)

    loop.add_signal_handler(signal.SIGHUP, hear)


def _has_terminal() -> bool:
    """Whether this process has a terminal of its own now; one that was hung up is none any longer."""
    with suppress(OSError):
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        return True
    return False

"""The event loop of a gateway under test must not be blocked by our own code."""

from contextlib import contextmanager

from blockbuster import BlockBuster


@contextmanager
def guarded():
    """Reports calls that block, made by pointsman while a loop runs.

    Configuration is read where it is put together: at the start, and when the file has changed.
    """
    guard = BlockBuster("pointsman")
    for function in guard.functions.values():
        function.can_block_in("pointsman/app.py", {"__init__", "_load", "reload", "_watch", "snapshot"})
        function.can_block_in("pointsman/server/listening.py", {"open_sockets"})
        # Not ours: threads that are measured at the same time wait for each other.
        function.can_block_in("coverage/collector.py", {"lock_data"})
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()

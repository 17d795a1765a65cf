"""Jobs: what goes on beside the traffic while the endpoint runs; one that fails takes no other along."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

LOG = logging.getLogger("pointsman")


class Jobs:
    """One endpoint's."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, jobs: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Does these, each until it is cancelled, by what is missed once it has failed."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(work, name=what) for what, work in jobs.items()]
        for task in self._tasks:
            task.add_done_callback(_tell)

    async def end(self) -> None:
        """Cancels what is under way; harmless when done already."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def warnings(self) -> list[str]:
        """What a person should know."""
        failed = [task.get_name() for task in self._tasks if _fault(task) is not None]
        return [f"{what} no longer, for a fault of pointsman's own: restart it" for what in failed]


def _fault(task: "asyncio.Task[None]") -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def _tell(task: "asyncio.Task[None]") -> None:
    # Nobody waits for it, so its fault would stay unheard of until the end.
    error = _fault(task)
    if error is not None:
        LOG.error("%s no longer, for a fault of pointsman's own: restart it", task.get_name(), exc_info=error)

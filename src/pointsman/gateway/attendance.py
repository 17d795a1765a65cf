"""Attendance to a client while its answer is made: it is kept waiting, and its leaving stops the work.

A watch is a callback and pings begin by a timer, so that an exchange without either costs no task.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from pointsman.gateway.exchange import Client
from pointsman.gateway.line import Line
from pointsman.gateway.pace import Pace


class ClientGoneError(Exception):
    """The client has left; there is nobody to answer."""


async def attended(client: Client, line: Line, pace: Pace, work: Coroutine[Any, Any, None]) -> None:
    """Does the work. Raises ClientGoneError as soon as the client has left.

    Where a drain is wanted, the work may end within it; what is written then goes nowhere.
    """
    attendance = Attendance(line, pace)
    client.watch(attendance.left)
    try:
        await work
    except asyncio.CancelledError:
        cause = attendance.cause()
        if cause is not None:
            raise cause from None
        raise
    finally:
        client.watch(None)
        await attendance.end()


class Attendance:
    """What goes on beside one exchange; belongs to the task that makes it."""

    def __init__(self, line: Line, pace: Pace) -> None:
        self._line = line
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._cause: BaseException | None = None
        self._over = False
        self._timers: list[asyncio.TimerHandle] = []
        self._pinging: asyncio.Task[None] | None = None
        if line.pings:
            self._timers.append(self._loop.call_later(pace.ping_every, self._begin_pings))

    def left(self) -> None:
        """The client has left."""
        if self._over:
            return
        if self._pace.drain:
            self._timers.append(self._loop.call_later(self._pace.drain, self._stop, ClientGoneError()))
        else:
            self._stop(ClientGoneError())

    def cause(self) -> BaseException | None:
        """Why the work was stopped from here; None if somebody else stopped it, too."""
        if self._cause is None or self._task is None or self._task.uncancel() > 0:
            return None
        return self._cause

    async def end(self) -> None:
        """The work is over."""
        self._over = True
        for timer in self._timers:
            timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)

    def _stop(self, cause: BaseException) -> None:
        if self._cause is None and not self._over and self._task is not None:
            self._cause = cause
            self._task.cancel()

    def _begin_pings(self) -> None:
        self._pinging = self._loop.create_task(self._line.keep_waiting())
        self._pinging.add_done_callback(self._pings_ended)

    def _pings_ended(self, pinging: "asyncio.Task[None]") -> None:
        if not pinging.cancelled() and (error := pinging.exception()) is not None:
            self._stop(error)

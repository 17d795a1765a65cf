"""The scripted provider behind the seam of the network: no sockets, and answers that take time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pointsman.canon.errors import TruncatedError, UnreachableError
from pointsman.upstream.transport import Outgoing

from .provider import Provider, Visit
from .virtual import VirtualLoop


@dataclass(frozen=True)
class Speed:
    """Seconds; of each range any is as likely."""

    travel: tuple[float, float] = (0.02, 0.1)
    """Until a request arrives."""
    thinking: tuple[float, float] = (0.5, 3.0)
    """Until the answer's head."""
    writing: tuple[float, float] = (1.0, 12.0)
    """Between two pieces of it."""


class InProcess:
    """Implements `Transport`."""

    def __init__(
        self, provider: Provider, loop: VirtualLoop, *, speed: Speed | None = None, seed=0, broken=False
    ) -> None:
        """`broken`: each answer breaks off after its second piece."""
        self._provider = provider
        self._loop = loop
        self._speed = speed or Speed()
        self._random = Random(seed)
        self._broken = broken

    async def send(self, outgoing: Outgoing) -> "Answering":
        """Raises UnreachableError."""
        headers = dict(outgoing.headers)
        account = self._provider.set_out(headers)
        try:
            await self._pass(self._speed.travel)
        except BaseException:
            if account is not None:
                account.in_flight -= 1
            raise
        visit = self._provider.come(account, headers, outgoing.body, self._loop.wall())
        try:
            if visit.trouble == "down":
                raise UnreachableError("the provider is down")
            if visit.status == 200:
                await self._pass(self._speed.thinking)
        except BaseException:
            visit.leave(self._loop.wall())
            raise
        waits = [self._drawn(self._speed.writing) for _ in visit.pieces]
        return Answering(visit, self._loop, waits, broken=self._broken)

    async def _pass(self, bounds: tuple[float, float]) -> None:
        await asyncio.sleep(self._drawn(bounds))

    def _drawn(self, bounds: tuple[float, float]) -> float:
        return self._random.uniform(*bounds)

    async def close(self) -> None:
        """Nothing is open."""


class Answering:
    """Implements `Incoming`."""

    def __init__(self, visit: Visit, loop: VirtualLoop, waits: Sequence[float], *, broken: bool) -> None:
        self.status = visit.status
        self.headers = visit.head(loop.wall())
        self._visit = visit
        self._loop = loop
        self._left = list(zip(visit.pieces, (0.0, *waits[1:]), strict=True))
        self._broken = broken

    async def read(self) -> bytes:
        """The next piece. Raises TruncatedError."""
        if self._broken and len(self._left) == 1:
            raise TruncatedError("the connection broke")
        if not self._left:
            return b""
        piece, wait = self._left[0]
        if wait:
            await asyncio.sleep(wait)
        del self._left[0]
        return piece

    async def close(self) -> None:
        """Whether read to its end or not."""
        self._visit.leave(self._loop.wall())

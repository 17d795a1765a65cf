"""A scripted transport: plays what a test wrote, without a network, and keeps what was sent."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from pointsman.canon.errors import PointsmanError, UnreachableError
from pointsman.upstream.transport import Incoming, Outgoing
from pointsman.wire.headers import Headers

Step: TypeAlias = bytes | asyncio.Event | PointsmanError
"""A piece of the body; a pause until the event is set; an error that ends it."""


class FakeReply:
    """One answer: its head, after the steps before it, and then its body step by step."""

    def __init__(
        self,
        *body: Step,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        before: Sequence[asyncio.Event | PointsmanError] = (),
    ) -> None:
        self.body = body
        self.status = status
        self.headers: Headers = tuple(headers)
        self.before = tuple(before)


Answer: TypeAlias = FakeReply | PointsmanError | Callable[[Outgoing], "FakeReply | PointsmanError"]


class FakeIncoming:
    """A response that is played."""

    def __init__(self, reply: FakeReply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.closed = asyncio.Event()
        """Set by `close`."""
        self.read_to_end = False
        self._steps = list(reply.body)

    async def read(self) -> bytes:
        """The next piece; empty at the end."""
        while self._steps:
            step = self._steps[0]
            if isinstance(step, asyncio.Event):
                await step.wait()
            if isinstance(step, PointsmanError):
                raise step
            self._steps.pop(0)
            if isinstance(step, bytes) and step:
                return step
        self.read_to_end = True
        return b""

    async def close(self) -> None:
        """Ends the exchange."""
        self.closed.set()


class FakeTransport:
    """Answers each request with the next entry of its script, and with `always` after the last."""

    def __init__(self, *script: Answer, always: Answer | None = None) -> None:
        self.sent: list[Outgoing] = []
        self.incoming: list[FakeIncoming] = []
        """The responses whose head was given, in that order."""
        self.cancelled = 0
        """Requests that were given up before their head."""
        self.closed = False
        self._script = list(script)
        self._always = always

    def then(self, *answers: Answer) -> None:
        """Adds to the script."""
        self._script.extend(answers)

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The next answer's head. Raises the script's error, UnreachableError where the script has ended."""
        self.sent.append(outgoing)
        try:
            reply = await self._play(outgoing)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        incoming = FakeIncoming(reply)
        self.incoming.append(incoming)
        return incoming

    async def _play(self, outgoing: Outgoing) -> FakeReply:
        answer = self._script.pop(0) if self._script else self._always
        if callable(answer):
            answer = answer(outgoing)
        if answer is None:
            raise UnreachableError(f"the script has no answer to request {len(self.sent)}: {outgoing.url}")
        if isinstance(answer, PointsmanError):
            raise answer
        for step in answer.before:
            if isinstance(step, PointsmanError):
                raise step
            await step.wait()
        return answer

    async def close(self) -> None:
        """Marks it closed."""
        self.closed = True

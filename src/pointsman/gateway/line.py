"""The line to a client: what has been sent on it, what keeps the client waiting, and how it fails.

States: nothing sent → (early head →) committed → over. An early head is a 200 with pings only; failover goes
on behind it. After the commit nothing is replayed.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import ceil

from pointsman.canon.errors import BusyError, Fault
from pointsman.dialects.dialect import ArrayFrames, Dialect
from pointsman.gateway.exchange import Client
from pointsman.gateway.masking import mask_fault
from pointsman.gateway.pace import Pace
from pointsman.gateway.recorder import Recorder
from pointsman.ledger.trace import Trace
from pointsman.wire.headers import Headers, first
from pointsman.wire.json import encode
from pointsman.wire.sse import comment

SHORTEST = 0.01
"""Seconds between two looks at how long it has been silent."""
CUT_SECONDS = 1.0
"""How long a client may take to hear that its answer is cut."""
EVENT_STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
ARRAY: Headers = (("content-type", "application/json; charset=UTF-8"),)


class Line:
    """One client's line for one answer."""

    def __init__(
        self,
        client: Client,
        dialect: Dialect,
        trace: Trace,
        clock: Callable[[], float],
        *,
        stream: bool,
        pace: Pace,
        array: ArrayFrames | None = None,
    ) -> None:
        """`array` where the stream is to be one JSON array."""
        self._client = client
        self._dialect = dialect
        self._trace = trace
        self.clock = clock
        self._stream = stream
        self.pings = stream and bool(dialect.ping)
        """Whether it can be kept waiting."""
        self._array = array
        self.stream_head = EVENT_STREAM if array is None else ARRAY
        """What the head of a stream that we render says of its body."""
        self._pace = pace
        self._opened = clock()
        self._last = self._opened
        self.headed = False
        self.committed = False
        self.secrets: tuple[str, ...] = ()
        """Credentials of ours that the upstream may repeat in an error."""
        self.ending: Callable[[bytes], bytes] = _nothing
        """What must go out before an error's frame: the rest of a frame that is not complete."""
        self.failing: Callable[[Fault], bytes] | None = None
        """How frames of ours go on to an error; None: as in a stream of which nothing is known."""
        self.committing: Callable[[], None] | None = None
        """Told that the answer begins."""
        self.recorder: Recorder | None = None
        """What follows the answer to keep it."""
        self._over = False
        self._ours = False
        """Whether the frames on this line are ours, so that our pings may stand between them."""

    async def commit(self, status: int, headers: Headers, *, ours: bool) -> None:
        """The answer begins: its head, unless an early one went out. `ours`: we render the body."""
        self.committed = True
        self._ours = ours
        if self.committing is not None:
            self.committing()
        if self.recorder is not None:
            self.recorder.begin(status, headers)
        if not self.headed:
            await self._head(status, headers, ours=ours)
        elif self._stream:
            await self._client.write(comment(answered_by(self._trace)))

    async def _head(self, status: int, headers: Headers, *, ours: bool) -> None:
        self.headed = True
        self._trace.status = status
        self._last = self.clock()
        if self._trace.content is not None:
            self._trace.content.coding = first(headers, "content-encoding")
        request_id = self._trace.request_id
        named = id_header(self._dialect, headers, request_id) if ours else ()
        await self._client.head(status, (*headers, *named, ("x-pointsman-request-id", request_id)))

    async def write(self, data: bytes) -> None:
        """A piece of the answer."""
        if not data:
            return
        self._note_bytes(data)
        await self._client.write(self._framed(data))

    async def finish(self, data: bytes = b"") -> None:
        """The answer is whole, with its last piece."""
        self._over = True
        if data:
            self._note_bytes(data)
        if self.recorder is not None:
            self.recorder.end()
        if self._ours and self._stream and self._array is not None:
            data = self._framed(data) + self._array.close()
        await self._client.finish(data)

    def _framed(self, data: bytes) -> bytes:
        """Frames of ours as the client asked for them; what is relayed is as it should be."""
        return self._array.write(data) if self._ours and self._array is not None else data

    def _note_bytes(self, data: bytes) -> None:
        if self.recorder is not None:
            self.recorder.note(data)
        if self._trace.content is not None:
            self._trace.content.note(data)
        self._last = self.clock()
        if self._trace.first_byte is None:
            self._trace.first_byte = self._last - self._opened

    async def keep_waiting(self) -> None:
        """Lets the client hear from us whenever it has been silent for too long; never ends by itself."""
        while True:
            left = self._last + self._pace.ping_every - self.clock()
            if left > 0:
                await asyncio.sleep(max(SHORTEST, left))
            else:
                await self._ping()

    async def _ping(self) -> None:
        self._last = self.clock()
        if self._over:
            return
        if not self.headed:
            await self._head(200, self.stream_head, ours=True)
        if self._ours or not self.committed:
            await self._client.write(self._dialect.ping)

    async def fail(self, fault: Fault, headers: Headers = ()) -> None:
        """Ends the line with an error: a response, or the dialect's error frame and a broken body."""
        self._over = True
        fault = mask_fault(fault, self.secrets)
        self._trace.error = fault.code or fault.kind
        if not self.headed:
            await self._respond(fault, headers)
            return
        if not self._stream:
            self._client.abort()
            return
        frame = self._error_frame(fault)
        if self._array is not None:
            await self._client.write(self._array.write(frame) + self._array.close())
        else:
            # A blank line first: the upstream may have stopped in the middle of a frame.
            await self._client.write(self.ending(frame) + b"\n\n" + frame)
        self._client.abort()

    def _error_frame(self, fault: Fault) -> bytes:
        if self.failing is not None:
            return self.failing(fault)
        return self._dialect.error_frame(fault, self._trace.request_id)

    async def cut(self) -> None:
        """The endpoint ends before the answer does: says so, if the client still takes it."""
        if self._over:
            return
        fault = BusyError("the endpoint is shutting down; ask again once it is back").fault()
        with suppress(TimeoutError):
            async with asyncio.timeout(CUT_SECONDS):
                await self.fail(fault)

    async def _respond(self, fault: Fault, headers: Headers) -> None:
        body = encode(self._dialect.render_error(fault, self._trace.request_id))
        if self._trace.content is not None:
            self._trace.content.note(body)
        head = (*error_headers(fault, headers), ("content-length", str(len(body))))
        await self._head(fault.status, head, ours=True)
        await self._client.finish(body)


def _nothing(frame: bytes) -> bytes:
    return b""


def error_headers(fault: Fault, headers: Headers) -> Headers:
    """The head of an error that we render: its type, and when to come back if nobody said it yet."""
    return (*headers, ("content-type", "application/json"), *retry_header(fault, headers))


def id_header(dialect: Dialect, headers: Headers, request_id: str) -> Headers:
    """Our id where the dialect's clients look for one, unless the upstream gave its own there."""
    name = dialect.request_id_header
    return () if any(field == name for field, _ in headers) else ((name, request_id),)


def retry_header(fault: Fault, headers: Headers) -> Headers:
    """When to come back, where that is known and nobody has said it yet."""
    if fault.retry_after is None or any(name == "retry-after" for name, _ in headers):
        return ()
    return (("retry-after", str(max(0, ceil(fault.retry_after)))),)


def answered_by(trace: Trace) -> str:
    """Who answers, for a client whose head went out before that was known."""
    told = f"answered by {trace.backend}:{trace.model}, account {trace.account}"
    return "".join(each for each in told if each.isprintable())

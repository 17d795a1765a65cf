"""One turn on a WebSocket: the pipeline's client, whose answer leaves as messages instead of a body.

A stream's frames become messages one by one, comments are left out. An answer that is no stream is an error,
whatever its dialect; it becomes one message, and the connection goes on.
"""

from collections.abc import Callable

from pointsman.canon.errors import Fault
from pointsman.dialects.faults import body_object, error_object, kind_of, message_of, text_of
from pointsman.dialects.socketed import Socketed
from pointsman.server.socket import Socket
from pointsman.wire.headers import Headers, first
from pointsman.wire.sse import FrameReader

LARGEST = 64 * 1024 * 1024
"""Bytes of one event."""


class TurnClient:
    """Implements the gateway's `Client`."""

    def __init__(self, socketed: Socketed, socket: Socket, lane: str | None) -> None:
        self.well = False
        """Whether the answer has come to a good end."""
        self._socketed = socketed
        self._socket = socket
        self._lane = lane
        self._reader = FrameReader(LARGEST)
        self._ended = False
        """Whether the client knows how the answer ended."""
        self._status = 0
        self._headers: Headers = ()
        self._pieces: list[bytes] = []
        self._left: Callable[[], None] | None = None

    async def head(self, status: int, headers: Headers) -> None:
        """Nothing is said yet."""
        self._status, self._headers = status, headers

    async def write(self, data: bytes) -> None:
        """The messages that a piece completes; waits while the client reads slowly."""
        if self._status != 200:
            self._pieces.append(data)
            return
        for frame in self._reader.feed(data):
            if self._ended:
                return
            end = self._socketed.ends(frame.data)
            self._ended, self.well = end is not None, end == "well"
            await self._socket.send(self._socketed.event(frame.data, self._lane))

    async def finish(self, data: bytes = b"") -> None:
        """The answer is over."""
        if data:
            await self.write(data)
        if self._status != 200:
            fault = _fault(b"".join(self._pieces), self._status, self._headers)
            await self.fail(fault, self._headers)
        elif not self._ended:
            await self.fail(Fault("api", "the answer broke off before its end; ask again", 502))

    async def fail(self, fault: Fault, headers: Headers = ()) -> None:
        """Says that there is no answer; `headers` came with the error."""
        self._ended = True
        await self._socket.send(self._socketed.error(fault, self._lane, headers))

    def watch(self, left: Callable[[], None] | None) -> None:
        """Calls `left` once the client has left; None ends the watch."""
        self._left = left

    def leave(self) -> None:
        """The client has left."""
        left, self._left = self._left, None
        if left is not None:
            left()

    def abort(self) -> None:
        """The answer is broken, which the client has been told; the connection goes on."""


def _fault(body: bytes, status: int, headers: Headers) -> Fault:
    """What the body of an error says; whoever wrote it, the client's dialect is what it is in."""
    envelope = body_object(body)
    error = None if envelope is None else error_object(envelope)
    after = first(headers, "retry-after")
    return Fault(
        kind=kind_of(status),
        message=message_of(error, body, status),
        status=status,
        code=text_of(error, "code"),
        param=text_of(error, "param"),
        retry_after=float(after) if after is not None and after.isdecimal() else None,
        raw=envelope,
    )

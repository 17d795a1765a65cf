"""The judge: looks at a response's head and first frames and decides whether it is an answer.

Frames are held until one carries part of an answer: providers send a 200 and a few frames before they report
an overload. What is held is bounded in bytes and in time; then the answer is committed as it is.
"""

import asyncio
from contextlib import suppress
from typing import Literal

from msgspec import Struct, structs

from pointsman.canon.errors import (
    Fault,
    GarbledError,
    PointsmanError,
    RefusedError,
    RequestError,
    TruncatedError,
)
from pointsman.canon.events import (
    Event,
    Failure,
    MessageStart,
    Ping,
    UnknownEvent,
    UsageReport,
)
from pointsman.catalog.provider import RateLimits
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.exchange import Room
from pointsman.gateway.pace import Pace
from pointsman.gateway.reading import Reading
from pointsman.gateway.resets import reset_after
from pointsman.upstream.transport import Incoming
from pointsman.wire import headers as fields
from pointsman.wire.coding import decode_body
from pointsman.wire.headers import Headers

ERROR_BYTES = 1024 * 1024
"""How much of an error's body is read."""
ANSWER_BYTES = 256 * 1024 * 1024
"""How long an answer that is not streamed may be."""

_PREAMBLE = (MessageStart, Ping, UsageReport, UnknownEvent)
"""Events that say nothing yet."""

Form = Literal["stream", "whole"]


class RefusalError(RefusedError):
    """The upstream answered with an error; its response is kept, so that it can be relayed as it is."""

    def __init__(self, fault: Fault, status: int, headers: Headers, body: bytes, sent: bytes) -> None:
        super().__init__(fault)
        self.upstream_status = status
        self.headers = headers
        self.body = body
        """Without content coding."""
        self.sent = sent
        """As it was received."""


class Held(Struct):
    """What was read before the commit."""

    chunks: list[bytes]
    events: list[Event]
    ended: bool = False
    """The upstream has sent everything."""


async def judge_head(incoming: Incoming, dialect: Dialect, limits: RateLimits, now: float) -> Form:
    """The form of what may be an answer. Raises RefusalError for an error, GarbledError for the rest."""
    if incoming.status >= 400:
        raise await _refusal(incoming, dialect, limits, now)
    if incoming.status >= 300:
        raise GarbledError(
            f"the backend answered with a redirect ({incoming.status}), which is not followed; "
            "correct its `base_url`"
        )
    kind = (fields.first(incoming.headers, "content-type") or "").partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return "stream"
    if kind.endswith("json") or kind in {"", "text/plain", "application/octet-stream"}:
        return "whole"
    raise GarbledError(
        f"the backend answered with {kind} instead of JSON; its `base_url` probably points at something else"
    )


async def _refusal(incoming: Incoming, dialect: Dialect, limits: RateLimits, now: float) -> RefusalError:
    body = bytearray()
    while len(body) < ERROR_BYTES and (piece := await incoming.read()):
        body += piece
    sent = bytes(body)
    plain = _plain(sent, fields.first(incoming.headers, "content-encoding") or "identity")
    fault = dialect.parse_error(incoming.status, incoming.headers, plain)
    after = fields.retry_after(incoming.headers, now)
    if after is None and incoming.status == 429:
        after = reset_after(incoming.headers, limits, now)
    if after is not None:
        fault = structs.replace(fault, retry_after=after)
    return RefusalError(fault, incoming.status, incoming.headers, plain, sent)


def _plain(body: bytes, coding: str) -> bytes:
    """An error's body without its coding; one that cannot be undone is no fault of the client's."""
    try:
        return decode_body(body, coding, ERROR_BYTES)
    except RequestError:
        return body


async def judge_stream(reading: Reading, pace: Pace) -> Held:
    """Reads until part of an answer is there. Raises RefusedError for an error, TruncatedError."""
    held = Held([], [])
    await _hold(reading, held)
    if _undecided(reading, held):
        with suppress(TimeoutError):
            async with asyncio.timeout(pace.held_seconds):
                while _undecided(reading, held) and sum(map(len, held.chunks)) < pace.held_bytes:
                    await _hold(reading, held)
    return held


async def _hold(reading: Reading, held: Held) -> None:
    chunk = await reading.chunk()
    if chunk:
        held.chunks.append(chunk)
        held.events += reading.follow(chunk)
        return
    held.ended = True
    held.events += reading.close()
    if not held.chunks:
        raise TruncatedError("the backend closed the stream before its first byte; ask again")


def _undecided(reading: Reading, held: Held) -> bool:
    """Whether nothing in it is an answer yet."""
    return not _committed(held.events) and reading.tap.running and not held.ended


def _committed(events: list[Event]) -> bool:
    for event in events:
        if isinstance(event, Failure):
            raise RefusedError(event.fault)
        if not isinstance(event, _PREAMBLE):
            return True
    return False


async def read_whole(incoming: Incoming, room: Room | None) -> bytes:
    """The body of an answer that is not streamed. Raises TruncatedError, BusyError, GarbledError if it is
    beyond its own bound."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := await incoming.read():
            if room is not None:
                room.take(len(piece))
            pieces.append(piece)
            size += len(piece)
            if size > ANSWER_BYTES:
                raise GarbledError("the backend's answer is larger than 256 MB; ask for a stream")
    except PointsmanError:
        if room is not None:
            room.give_back(size)
        raise
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

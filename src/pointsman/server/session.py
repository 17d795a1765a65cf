"""A session: what goes on over one WebSocket. Turns come in on lanes, each is an exchange of its own.

The connection lasts as long as the dialect lets it; then, and when the endpoint ends, turns under way come to
their end, and nothing new begins. A client that leaves stops all of them.
"""

import asyncio
from collections.abc import Sequence

from pointsman.canon.errors import BusyError, Fault, PointsmanError, RequestError
from pointsman.canon.events import MessageEnd, MessageStart, Stop
from pointsman.canon.intent import Intent
from pointsman.dialects.dialect import Asked, Dialect
from pointsman.dialects.socketed import Socketed, Turn
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.line import EVENT_STREAM
from pointsman.gateway.state import Conversation
from pointsman.ledger.trace import Trace
from pointsman.server.lane import Lane, LaneMemory, Waiting
from pointsman.server.service import Service
from pointsman.server.socket import GOING_AWAY, NORMAL, Socket
from pointsman.server.turn import TurnClient
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object, encode, peek

MOST_WAITING = 64
"""Turns that may wait on a connection."""
_HANDSHAKE = frozenset({"upgrade", "connection", "content-type", "content-length"})


class Session:
    """One client's. `headers` and `query` are those of the request that opened it."""

    def __init__(
        self, service: Service, dialect: Dialect, headers: Headers, query: str, socket: Socket
    ) -> None:
        assert dialect.socketed is not None
        self._service = service
        self._dialect = dialect
        self._socketed: Socketed = dialect.socketed
        kept = tuple(pair for pair in headers if not _is_handshake(pair[0]))
        self._asked = kept
        self._headers = (*self._socketed.fields(kept), ("content-type", "application/json"))
        self._query = query
        self._socket = socket
        self._lanes: dict[str | None, Lane] = {}
        self._slots = asyncio.Semaphore(self._socketed.running)
        self._group = asyncio.TaskGroup()
        self._last_word: Fault | None = None
        """Why nothing new begins any longer, where the client is told."""
        self._closing: int | None = None
        """The code of the close that is to come once nothing is under way."""

    async def run(self) -> None:
        """Until it is over."""
        loop = asyncio.get_running_loop()
        limit = loop.call_later(self._socketed.seconds, self._expire)
        try:
            async with self._group:
                self._socket.watch(self._leave, self._retire)
                while (message := await self._socket.receive()) is not None:
                    await self._take(message)
                self._leave()
        finally:
            limit.cancel()
            for lane in self._lanes.values():
                lane.close()
        await self._socket.close(NORMAL, "")

    # The end

    def _leave(self) -> None:
        """The client has left: what waits is dropped, what is under way stops."""
        for lane in self._lanes.values():
            lane.drop()
            if lane.running is not None:
                lane.running.leave()

    def _expire(self) -> None:
        """The connection has lasted as long as one may."""
        self._end_with(NORMAL, self._socketed.expired)

    def _retire(self) -> None:
        """The endpoint is to end."""
        self._end_with(GOING_AWAY, None)

    def _end_with(self, code: int, word: Fault | None) -> None:
        if self._closing is None:
            self._closing, self._last_word = code, word
            if not self._busy():
                self._group.create_task(self._end())

    def _busy(self) -> bool:
        return any(lane.busy for lane in self._lanes.values())

    async def _end(self) -> None:
        if self._last_word is not None:
            await self._socket.send(self._socketed.error(self._last_word, None, ()))
        await self._socket.close(self._closing or NORMAL, "")

    # What comes

    async def _take(self, message: bytes) -> None:
        name: str | None = None
        try:
            event = decode_object(message)
            name = self._socketed.lane(event)
            turn = self._socketed.turn(event)
            if turn.kind in {"create", "prepare"}:
                self._queue(self._lane(turn.lane), turn, len(message))
            elif turn.answer:
                await self._socket.send(turn.answer)
        except PointsmanError as error:
            await self._socket.send(self._socketed.error(error.fault(), name, ()))

    def _lane(self, name: str | None) -> Lane:
        """Raises RequestError where there are as many as there may be."""
        lane = self._lanes.get(name)
        if lane is None:
            if name is not None and len(self._lanes.keys() - {None}) >= self._socketed.lanes:
                crowded = self._socketed.crowded
                raise RequestError(crowded.message, code=crowded.code, param=crowded.param)
            lane = self._lanes[name] = Lane(name, self._service.buffers, self._asked)
        return lane

    def _queue(self, lane: Lane, turn: Turn, size: int) -> None:
        """Raises RequestError, BusyError."""
        if self._closing is not None:
            raise self._too_late()
        if sum(len(each.waiting) for each in self._lanes.values()) >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING} turns wait on this connection already; wait for their answers")
        reservation = self._service.buffers.reserve()
        reservation.grow(size)
        lane.waiting.append(Waiting(turn, reservation))
        if not lane.busy:
            lane.busy = True
            self._group.create_task(self._work(lane))

    def _too_late(self) -> PointsmanError:
        word = self._last_word
        if word is None:
            return BusyError("the endpoint is shutting down; ask again once it is back")
        return RequestError(word.message, code=word.code, param=word.param)

    # Turns

    async def _work(self, lane: Lane) -> None:
        """What waits on a lane, one after the other."""
        try:
            while lane.waiting:
                async with self._slots:
                    if lane.waiting:
                        await self._turn(lane, lane.waiting.popleft())
        finally:
            lane.busy = False
        if self._closing is not None and not self._busy():
            await self._end()

    async def _turn(self, lane: Lane, waiting: Waiting) -> None:
        client = TurnClient(self._socketed, self._socket, lane.name)
        lane.running = client
        try:
            with waiting.reservation:
                trace, exchange = self._exchange(lane, waiting)
                if waiting.turn.kind == "prepare":
                    await self._prepare(exchange, client)
                else:
                    await self._carry(exchange, client, trace)
        except PointsmanError as error:
            await client.fail(error.fault())
        finally:
            lane.running = None
        if not client.well:
            lane.evict(waiting.turn.members.get("previous_response_id"))

    async def _carry(self, exchange: Exchange, client: TurnClient, trace: Trace) -> None:
        end = self._service.begin(trace)
        try:
            await self._service.carry(exchange, client, trace)
        finally:
            end()

    def _exchange(self, lane: Lane, waiting: Waiting) -> tuple[Trace, Exchange]:
        """Raises MalformedError; UnauthorizedError where the key was revoked meanwhile."""
        parts, dialect = self._service.parts, self._dialect
        key = self._service.admission.check_key(self._asked, self._query)
        body = encode(waiting.turn.members)
        seen = peek(body)
        trace = Trace(parts.new_id(), "GET", self._socketed.path, parts.wall())
        trace.stream, trace.asked, trace.dialect, trace.operation = True, seen.model, dialect.name, "generate"
        intent = Intent(dialect.name, "generate", seen.model, True, seen.members)
        memory = LaneMemory(lane, self._all_lanes)
        head = (trace.request_id, self._query, self._headers)
        room = waiting.reservation
        trace.key = None if key is None else key.name
        return trace, Exchange(*head, body, dialect, intent, room, memory, lane, client_key=key)

    def _all_lanes(self) -> Sequence[Lane]:
        return tuple(self._lanes.values())

    async def _prepare(self, exchange: Exchange, client: TurnClient) -> None:
        """An answer without a word, made here, from which the next turn can go on. Raises RequestError."""
        stateful, parts = self._dialect.stateful, self._service.parts
        assert stateful is not None
        parts.router.plan(exchange.intent.model)
        talk = Conversation(exchange, stateful, parts.responses)
        await talk.recall()
        recorder = talk.remembering()
        encoder = self._dialect.encoder(
            Asked(exchange.intent.model or "", exchange.request_id, int(parts.wall()))
        )
        events = (MessageStart(), Stop("end"), MessageEnd())
        said = b"".join(map(encoder.encode, events)) + encoder.close()
        recorder.begin(200, EVENT_STREAM)
        recorder.note(said)
        await client.head(200, EVENT_STREAM)
        await client.finish(said)


def _is_handshake(name: str) -> bool:
    return name in _HANDSHAKE or name.startswith("sec-websocket-")

"""The pumps: an answer's way to the client once it is judged, relayed or translated, streamed or whole."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from pointsman.canon.errors import GarbledError, PointsmanError, RefusedError, RequestError
from pointsman.canon.events import Event, Failure
from pointsman.canon.intent import EMBEDDING
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.dialects.dialect import Asked, Decoder, Encoder, Origin
from pointsman.dialects.gather import gather
from pointsman.gateway.crossing import put_across
from pointsman.gateway.ending import as_failures
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import ANSWER_BYTES, Form, judge_stream, read_whole
from pointsman.gateway.keepsakes import Keeper
from pointsman.gateway.line import Line
from pointsman.gateway.masking import mask_headers
from pointsman.gateway.opaque import of_events, pieces
from pointsman.gateway.parts import Parts
from pointsman.gateway.passage import Passage
from pointsman.gateway.place import caller, places
from pointsman.gateway.prepare import Prepared
from pointsman.gateway.reading import Reading
from pointsman.gateway.tap import Tap, note_read, note_usage
from pointsman.ledger.trace import Trace
from pointsman.upstream.transport import Incoming
from pointsman.wire import headers as fields
from pointsman.wire.coding import StreamDecoder, decode_body
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object, encode, holds_object
from pointsman.wire.secrets import mask, mask_forms

_STREAMED = frozenset({"generate", "completions"})
"""The operations whose streams the tap can follow."""
LOSSES_BYTES = 1000
"""How long the header that names the losses may get."""
FACT_BYTES = 2000
"""How long any header of ours may get: clients refuse heads of 16 KB."""


class Delivery:
    """One judged attempt on its way to the client."""

    def __init__(
        self,
        exchange: Exchange,
        prepared: Prepared,
        incoming: Incoming,
        line: Line,
        trace: Trace,
        asked: Asked,
        *,
        parts: Parts,
    ) -> None:
        self._exchange = exchange
        self._prepared = prepared
        self._incoming = incoming
        self._line = line
        self._trace = trace
        self._asked = asked
        self._pace = parts.pace
        self._makers = parts.pool.makers
        crossed = prepared.dialect is not exchange.dialect
        said_again = prepared.form == "translate" and not crossed
        keeps = crossed or said_again
        self._keeper = Keeper(parts.keepsakes, self._place, trace.request_id) if keeps else None
        self._crossed = crossed
        self._origin = Origin(prepared.issuer, prepared.names, answer=exchange.request_id, spelled=said_again)

    async def deliver(self, form: Form) -> None:
        """The whole answer. Before the commit it raises UpstreamError; after it, it ends the line itself."""
        relayed = self._prepared.form == "relay"
        if form == "stream" and self._exchange.intent.stream:
            await (self._relay_stream() if relayed else self._translate_stream())
        elif form == "stream":
            await self._gather_stream()
        elif self._exchange.intent.stream:
            await self._unfold_whole()
        else:
            await (self._relay_whole() if relayed else self._translate_whole())

    def _place(self) -> str:
        """Where in its conversation the answer stands."""
        request, _ = put_across(self._exchange.request(), self._exchange.dialect)
        *_, last = places(request, caller(self._exchange.headers))
        return last

    # Streams

    def _reading(self, *, lenient: bool = False) -> Reading:
        """Raises GarbledError for a content coding that nobody asked for and that is not known here."""
        coding = fields.first(self._incoming.headers, "content-encoding")
        try:
            undo = StreamDecoder(coding, ANSWER_BYTES) if coding else None
        except RequestError as error:
            raise GarbledError(f"the backend's stream cannot be read: {error.message}") from error
        origin = structs.replace(self._origin, lenient=lenient)
        tap = Tap(self._prepared.dialect.decoder(origin), self._trace, undo)
        tap.running = self._exchange.intent.operation in _STREAMED
        idle, clock = self._prepared.outgoing.idle, self._line.clock
        return Reading(self._incoming, tap, idle, clock, crossed=self._crossed)

    async def _relay_stream(self) -> None:
        reading = self._reading(lenient=True)
        held = await judge_stream(reading, self._pace)
        coded = bool(fields.first(self._incoming.headers, "content-encoding"))
        if self._line.headed and coded:
            raise GarbledError("the backend codes its stream, which nobody asked for; turn that off")
        await self._line.commit(self._incoming.status, self._relayed_head(), ours=False)
        after = self._prepared.dialect.error_after
        if after is not None:
            request_id = self._trace.request_id
            self._line.failing = lambda fault: after(reading.tap.decoder, fault, request_id)
        passage = Passage(() if coded else self._line.secrets, self._decoder)
        if not coded:
            self._line.ending = passage.ending
        try:
            self._remember(held.events)
            for chunk in held.chunks:
                await self._line.write(passage.pass_on(chunk))
            while not held.ended and (chunk := await reading.chunk()):
                await self._line.write(passage.pass_on(chunk))
                self._remember(reading.follow(chunk))
            if not held.ended:
                reading.close()
        except PointsmanError as error:
            await self._line.fail(error.fault())
            return
        await self._finish(reading.tap, passage.rest())

    def _decoder(self) -> Decoder:
        return self._prepared.dialect.decoder(self._origin)

    async def _translate_stream(self) -> None:
        reading = self._reading()
        held = await judge_stream(reading, self._pace)
        self._must_follow(reading.tap)
        encoder = self._encoder()
        self._foresee(held.events)
        await self._line.commit(200, self._translated_head(self._line.stream_head), ours=True)
        try:
            await self._encode(encoder, held.events)
            while not held.ended and (chunk := await reading.chunk()):
                await self._encode(encoder, reading.follow(chunk))
                self._must_follow(reading.tap)
            if not held.ended:
                await self._encode(encoder, reading.close())
                self._must_follow(reading.tap)
            ending = encoder.close()
            self._lose(encoder.losses())
        except PointsmanError as error:
            await self._line.fail(error.fault())
            return
        await self._line.finish(ending)

    def _remember(self, events: Sequence[Event]) -> None:
        """Whose opaque state they bring, for clients that send it back without a word of that."""
        if made := of_events(events):
            self._makers.note(made, self._prepared.issuer)

    def _encoder(self) -> Encoder:
        """What writes the stream, its error too."""
        encoder = self._exchange.dialect.encoder(self._asked)
        self._line.failing = lambda fault: encoder.encode(Failure(fault))
        return encoder

    def _must_follow(self, tap: Tap) -> None:
        if not tap.running:
            raise GarbledError(f"the backend's stream cannot be read: {tap.why}")

    async def _encode(self, encoder: Encoder, events: Sequence[Event]) -> None:
        if not self._crossed:
            self._remember(events)
        out: list[bytes] = []
        for event in events:
            if isinstance(event, Failure):
                await self._line.write(b"".join(out))
                raise RefusedError(event.fault)
            out.append(encoder.encode(event))
            self._note(event)
        await self._line.write(b"".join(out))

    def _note(self, event: Event) -> None:
        """What a translated event loses, and what its client may lose later."""
        self._lose(self._exchange.dialect.answer_losses(event))
        if self._keeper is not None:
            self._keeper.note(event)

    def _foresee(self, events: Iterable[Event]) -> None:
        """What is lost of the events that came before the head, so that the head can say it."""
        for event in events:
            self._lose(self._exchange.dialect.answer_losses(event))

    def _lose(self, losses: Iterable[Loss]) -> None:
        """Each once: a stream may lose the same thing with every event."""
        for loss in losses:
            if loss not in self._trace.losses:
                self._trace.losses.append(loss)

    async def _finish(self, tap: Tap, rest: bytes) -> None:
        if tap.fault is not None:
            self._trace.error = tap.fault.code or tap.fault.kind
        await self._line.finish(rest)

    async def _gather_stream(self) -> None:
        """The client did not ask for a stream, but the upstream sent one."""
        reading = self._reading()
        events: list[Event] = []
        while chunk := await reading.chunk():
            self._hold(len(chunk))
            events += reading.follow(chunk)
            self._must_follow(reading.tap)
        events += reading.close()
        self._must_follow(reading.tap)
        _raise_failure(events)
        await self._send_whole(events)

    # Whole answers

    def _events(self, answer: Json) -> list[Event]:
        """The events of a whole answer. Raises GarbledError, RefusedError if the 200 carries an error."""
        events = list(self._prepared.dialect.whole(answer, self._origin))
        events = as_failures(events) if self._crossed else events
        _raise_failure(events)
        note_usage(events, self._trace)
        return events

    def _plain(self, body: bytes) -> bytes:
        """The answer without its coding. Raises GarbledError."""
        coding = fields.first(self._incoming.headers, "content-encoding")
        if not body:
            raise GarbledError("the backend's answer is empty; ask again, or check its `base_url`")
        try:
            plain = decode_body(body, coding, ANSWER_BYTES) if coding else body
        except RequestError as error:
            raise _unreadable(error) from error
        self._hold(len(plain) - len(body))
        return plain

    def _decoded(self, plain: bytes) -> Json:
        """Raises GarbledError for what is not JSON: a page for people, or an answer that was cut short."""
        try:
            return decode_object(plain)
        except RequestError as error:
            raise _unreadable(error) from error

    def _hold(self, count: int) -> None:
        """Counts what is held of the answer. Raises BusyError."""
        if self._exchange.room is not None and count > 0:
            self._exchange.room.take(count)

    async def _relay_whole(self) -> None:
        body = await read_whole(self._incoming, self._exchange.room)
        plain = self._plain(body)
        self._follow(plain)
        self._makers.note(pieces(plain, self._prepared.dialect), self._prepared.issuer)
        await self._line.commit(self._incoming.status, self._relayed_head(len(body)), ours=False)
        await self._line.finish(body)

    def _follow(self, plain: bytes) -> None:
        """The tap on a whole answer. Raises GarbledError for no JSON, RefusedError for an error in a 200."""
        try:
            answer = self._decoded(plain)
            operation, embedding = self._exchange.intent.operation, self._prepared.dialect.embedding
            if operation in EMBEDDING and embedding is not None:
                note_read(self._trace, embedding.counted(answer))
            if operation not in _STREAMED:
                if answer.get("error"):
                    _raise_failure(self._prepared.dialect.summary(answer))
                return
            events = list(self._prepared.dialect.summary(answer))
        except GarbledError as error:
            if not holds_object(plain):
                raise
            self._trace.tap_stopped = error.message[:200]
            return
        _raise_failure(events)
        note_usage(events, self._trace)
        self._trace.said = len(plain)

    async def _translate_whole(self) -> None:
        body = await read_whole(self._incoming, self._exchange.room)
        await self._send_whole(self._events(self._decoded(self._plain(body))))

    async def _send_whole(self, events: list[Event]) -> None:
        if not self._crossed:
            self._remember(events)
        for event in events:
            self._note(event)
        answer = gather(events)
        self._lose(self._exchange.dialect.fold_losses(answer, self._asked))
        body = encode(self._exchange.dialect.fold(answer, self._asked))
        entity = (("content-type", "application/json"), ("content-length", str(len(body))))
        await self._line.commit(200, self._translated_head(entity), ours=True)
        await self._line.finish(body)

    async def _unfold_whole(self) -> None:
        """The client asked for a stream, but the upstream sent a whole answer."""
        body = await read_whole(self._incoming, self._exchange.room)
        events = self._events(self._decoded(self._plain(body)))
        encoder = self._encoder()
        self._foresee(events)
        await self._line.commit(200, self._translated_head(self._line.stream_head), ours=True)
        await self._encode(encoder, events)
        self._lose(encoder.losses())
        await self._line.finish(encoder.close())

    # Heads

    def _relayed_head(self, length: int | None = None) -> Headers:
        kept = mask_headers(fields.to_client(self._incoming.headers), self._line.secrets)
        if length is not None and ("content-length", str(length)) not in kept:
            kept = (*(pair for pair in kept if pair[0] != "content-length"), ("content-length", str(length)))
        return (*kept, *facts(self._trace))

    def _translated_head(self, entity: Headers) -> Headers:
        told = mask_headers(fields.to_client(self._incoming.headers), self._line.secrets)
        kept = fields.without_entity(told)
        return (*(pair for pair in kept if pair[0] != "cache-control"), *entity, *facts(self._trace))


def _unreadable(error: RequestError) -> GarbledError:
    # What comes behind a semicolon is advice to a client about its own body.
    what = error.message.partition("; ")[0].replace("the body", "it").replace("`body`", "it")
    return GarbledError(f"the backend's answer cannot be read: {what}; check its `base_url`")


def _raise_failure(events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, Failure):
            raise RefusedError(event.fault)


def facts(trace: Trace) -> Headers:
    """What a client may know of how it was served."""
    known = (
        ("x-pointsman-backend", trace.backend),
        ("x-pointsman-account", trace.account),
        ("x-pointsman-model", mask_forms(_without(trace.model or "", trace.secrets))),
        ("x-pointsman-route", trace.rule),
        ("x-pointsman-others", ", ".join(trace.others)),
        ("x-pointsman-form", trace.form),
        ("x-pointsman-losses", losses_line(trace.losses)),
    )
    return tuple([(name, _printable(value)) for name, value in known if value])


def _without(name: str, secrets: tuple[str, ...]) -> str:
    return mask(name, secrets) if any(secret in name for secret in secrets) else name


def _printable(value: str) -> str:
    """A value as a header field can carry it, whatever name a client made up."""
    if not (value.isascii() and value.isprintable()):
        value = "".join(char if char.isascii() and char.isprintable() else "?" for char in value)
    return value[:FACT_BYTES]


def losses_line(losses: Iterable[Loss]) -> str:
    """The losses in one line, cut where it gets long."""
    line = "; ".join(dict.fromkeys(f"{loss.kind} {loss.what}" for loss in losses))
    return line if len(line) <= LOSSES_BYTES else line[:LOSSES_BYTES] + "…"

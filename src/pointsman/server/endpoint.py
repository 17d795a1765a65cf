"""The endpoint: every request comes in here, and leaves with an answer in its caller's dialect."""

import logging
from collections.abc import Callable
from urllib.parse import parse_qsl

from pointsman.canon.errors import (
    LoopError,
    MalformedError,
    PointsmanError,
    RejectedError,
    UnknownPathError,
)
from pointsman.canon.intent import Intent
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.errand import run_errand
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.line import error_headers, id_header
from pointsman.gateway.masking import mask_fault
from pointsman.ledger.trace import CLIENT_GONE, Trace
from pointsman.server import ledger_pages, resources
from pointsman.server.buffers import read_body
from pointsman.server.call import Call, ClientLeftError
from pointsman.server.guard import check_may_see, preflight, shared_with
from pointsman.server.models import Shape, shape_for
from pointsman.server.pages import Page, Pages
from pointsman.server.routes import Found, Routes
from pointsman.server.service import Service
from pointsman.server.session import Session
from pointsman.store.client_keys import ClientKey
from pointsman.wire import headers as fields
from pointsman.wire.coding import decode_body
from pointsman.wire.headers import Headers
from pointsman.wire.json import Peek, encode, peek

LOG = logging.getLogger("pointsman")


class Endpoint:
    """Answers calls, whichever server they came in by."""

    def __init__(self, service: Callable[[], Service]) -> None:
        self._service = service
        self._made: Routes | None = None

    async def answer(self, call: Call) -> None:
        """One call, to its end."""
        visit = Visit(self._service(), call, self._routes())
        try:
            await self._answer(visit)
        finally:
            visit.end()

    async def _answer(self, visit: "Visit") -> None:
        try:
            await self._admit(visit)
        except PointsmanError as error:
            await visit.refuse(error)
        except ClientLeftError:
            visit.trace.error = CLIENT_GONE
        except RecursionError:
            await visit.refuse(MalformedError("the body is nested too deeply to be translated; flatten it"))
        except Exception as error:  # a border: a fault of ours is answered, not dropped
            LOG.error("request %s failed", visit.trace.request_id, exc_info=error)
            await visit.refuse(_internal(error))

    async def _admit(self, visit: "Visit") -> None:
        admission = visit.service.admission
        admission.check_host(visit.headers)
        visit.origin = admission.check_origin(visit.headers)
        if visit.method == "OPTIONS" and visit.origin is not None:
            await visit.send(204, preflight(visit.headers), b"")
            return
        if visit.path != "/health":
            visit.key = admission.check_key(visit.headers, visit.query)
            check_loop(visit.headers, visit.service.parts.instance)
        if visit.call.wants_socket and await self._converse(visit):
            return
        found = visit.routes.find(visit.path)
        if found is not None and visit.method == "POST":
            await self._serve(visit, found)
            return
        if await self._show_kept(visit):
            return
        if found is not None:
            raise UnknownPathError(f"{visit.method} is not what {visit.path} takes here; send it a POST")
        check_may_see(visit.key, visit.path)
        page = await ledger_pages.find(visit.service, visit.method, visit.path, visit.query)
        page = page or Pages(visit.service, visit.key).find(
            visit.method, visit.path, visit.shape(), visit.query
        )
        if page is None:
            raise UnknownPathError(f"{visit.method} {visit.trace.path} is not an endpoint of pointsman")
        await visit.show(page)

    async def _show_kept(self, visit: "Visit") -> bool:
        """A question about an answer that is kept here, or elsewhere."""
        service = visit.service
        asked = resources.find(service.parts.dialects.values(), visit.method, visit.path)
        if asked is None:
            return False
        visit.begin()
        visit.trace.dialect, visit.trace.operation = asked.dialect.name, "kept response"
        found = await resources.answer(asked, service, visit.headers, visit.query, visit.key)
        if isinstance(found, Page):
            visit.trace.status = found.status
            await visit.show(found)
            return True
        with service.buffers.reserve() as reservation:
            length = fields.first(visit.headers, "content-length")
            body = await read_body(visit.call, length, reservation, service.buffers.max_body)
            stream = ("stream", "true") in parse_qsl(visit.query)
            visit.trace.stream = stream
            intent = Intent(asked.dialect.name, "generate", None, stream, {})
            head = (visit.trace.request_id, visit.query, visit.headers)
            exchange = Exchange(*head, body, asked.dialect, intent, reservation)
            client = service.reporting.follow(exchange, visit.client())
            await run_errand(exchange, found, client, service.parts, visit.trace)
        return True

    async def _converse(self, visit: "Visit") -> bool:
        """A client that asks for a WebSocket where a dialect has one; others may do without, as in HTTP."""
        dialects = visit.service.parts.dialects.values()
        dialect = next((each for each in dialects if _has_socket_at(each, visit.path)), None)
        if dialect is None:
            return False
        named = (*visit.shared(), ("x-pointsman-request-id", visit.trace.request_id))
        socket = await visit.call.open_socket(visit.service.buffers.max_body, named)
        await Session(visit.service, dialect, visit.headers, visit.query, socket).run()
        await visit.call.finish()
        return True

    def _routes(self) -> Routes:
        if self._made is None:
            self._made = Routes(self._service().parts.dialects.values())
        return self._made

    async def _serve(self, visit: "Visit", found: Found) -> None:
        service, dialect = visit.service, found.dialect
        visit.begin()
        visit.trace.dialect, visit.trace.operation = dialect.name, found.route.operation
        with service.buffers.reserve() as reservation:
            limit = service.buffers.max_body
            raw = await read_body(
                visit.call, fields.first(visit.headers, "content-length"), reservation, limit
            )
            coding = fields.first(visit.headers, "content-encoding")
            body = decode_body(raw, coding, limit) if coding else raw
            reservation.grow(max(0, len(body) - len(raw)))
            intent = _intent(found, peek(body), visit.query)
            visit.trace.stream = intent.stream
            visit.trace.asked = intent.model
            head = (visit.trace.request_id, visit.query, visit.headers)
            exchange = Exchange(*head, body, dialect, intent, reservation, client_key=visit.key)
            await visit.carry(exchange)


class Visit:
    """One request on its way through the endpoint."""

    def __init__(self, service: Service, call: Call, routes: Routes) -> None:
        self.service = service
        self.call = call
        self.routes = routes
        self.method = call.method
        self.path = routes.plain(call.path)
        self.query = call.query
        self.headers = call.headers
        self.origin: str | None = None
        self.key: ClientKey | None = None
        parts = service.parts
        self.trace = Trace(parts.new_id(), self.method, call.path, parts.wall())
        self._ending: Callable[[], None] | None = None

    def begin(self) -> None:
        """It is an exchange, which leaves a record."""
        self.trace.key = None if self.key is None else self.key.name
        if self._ending is None:
            self._ending = self.service.begin(self.trace)

    def end(self) -> None:
        """It is over."""
        if self._ending is None:
            return
        if self.trace.client is None:  # of whom no body was read
            self.trace.client = self.service.detect(self.headers, b"")
        self._ending()

    def dialect(self) -> Dialect:
        """The caller's: by the path, or by the header that only that dialect's clients send."""
        dialects = self.service.parts.dialects
        names = {name for name, _ in self.headers}
        signed = (dialect for dialect in dialects.values() if dialect.sign_header in names)
        by_path = self.routes.spoken_at(self.call.path, self.path)
        return by_path or next(signed, None) or dialects[self.service.default_dialect]

    def shape(self) -> Shape:
        """How the caller expects models to be listed."""
        return shape_for(self.dialect().model_list, self.query)

    async def carry(self, exchange: Exchange) -> None:
        """Hands the request to the gateway."""
        await self.service.carry(exchange, self.client(), self.trace)

    def client(self) -> Client:
        """Whom the answer goes to."""
        return _Shared(self.call, self.shared()) if self.origin else self.call

    def shared(self) -> Headers:
        """What lets the page that asks read the answer."""
        return shared_with(self.origin) if self.origin else ()

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole response of ours."""
        own = (*headers, *self.shared(), ("x-pointsman-request-id", self.trace.request_id))
        length = () if status == 204 else (("content-length", str(len(body))),)
        await self.call.head(status, (*own, *length))
        await self.call.finish(b"" if self.method == "HEAD" else body)

    async def show(self, page: Page) -> None:
        """One of the endpoint's own pages."""
        await self.send(page.status, (("content-type", page.media), *page.headers), page.body)

    async def refuse(self, error: PointsmanError) -> None:
        """An error in the caller's dialect; one that has begun is left broken, a stream with a word."""
        # A client may have put a key where a name belongs.
        known, dialect = self.service.parts.known.within(error.message), self.dialect()
        fault = mask_fault(error.fault(), known)
        self._note_refusal(error, dialect)
        if self.call.headed:
            if self.trace.stream and not self.call.finished:
                await self.call.write(b"\n\n" + dialect.error_frame(fault, self.trace.request_id))
            return
        body = encode(dialect.render_error(fault, self.trace.request_id))
        head = (*error_headers(fault, ()), *id_header(dialect, (), self.trace.request_id))
        await self.send(error.status, head, body)

    def _note_refusal(self, error: PointsmanError, dialect: Dialect) -> None:
        """Whoever wanted something of a model, and was not let in or asked in vain, leaves a record too."""
        trace, found = self.trace, self.routes.find(self.path)
        if isinstance(error, RejectedError) and found is not None:
            self.begin()
            trace.reject, trace.operation = error.looked_at, found.route.operation
        elif isinstance(error, UnknownPathError) and (self.method == "POST" or self.path != self.call.path):
            self.begin()
        trace.dialect = trace.dialect or dialect.name
        trace.error = error.fault().code
        trace.status = trace.status or error.status


class _Shared:
    """A client whose answers a page of an allowed origin may read."""

    def __init__(self, call: Call, headers: Headers) -> None:
        self._headers = headers
        self._call = call
        self.write = call.write
        self.finish = call.finish
        self.watch = call.watch
        self.abort = call.abort

    async def head(self, status: int, headers: Headers) -> None:
        await self._call.head(status, (*_without_sharing(headers, self._headers), *self._headers))


def _without_sharing(headers: Headers, ours: Headers) -> Headers:
    """An upstream does not decide which pages may read an answer: `*` would let in every one."""
    return tuple(pair for pair in headers if not (ours and pair[0].startswith("access-control-")))


def check_loop(headers: Headers, instance: str) -> None:
    """Raises LoopError for a request that this endpoint sent itself."""
    if fields.has_via(headers, instance):
        raise LoopError(
            "the request has come back to the endpoint that sent it: a backend's `base_url` leads here"
        )


def _has_socket_at(dialect: Dialect, path: str) -> bool:
    return dialect.socketed is not None and dialect.socketed.path == path


def _intent(found: Found, seen: Peek, query: str) -> Intent:
    """What the path and the body ask for."""
    dialect, route = found.dialect, found.route
    if found.model is None:
        return Intent(dialect.name, route.operation, seen.model, seen.stream, seen.members)
    asked = dict(parse_qsl(query))
    array = route.streams and dialect.event_query is not None and dialect.event_query not in asked.items()
    return Intent(
        dialect.name, route.operation, found.model, route.streams, seen.members, placed=True, array=array
    )


def _internal(error: Exception) -> PointsmanError:
    """A fault of ours, without its text: that may hold what the client must not see."""
    return PointsmanError(
        f"pointsman itself failed ({type(error).__name__}); please report it with the request id"
    )

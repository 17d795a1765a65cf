"""The intake of a connection: requests out of bytes, over httptools' parser, each of bounded size."""

from typing import Literal, Protocol, TypeAlias
from urllib.parse import unquote

import httptools

from pointsman.server.http_call import Carrier, HttpCall
from pointsman.wire.head import Head, OversizeError

_FRAMING = frozenset({"content-length", "transfer-encoding"})
MAX_FIELDS = 200

End: TypeAlias = Literal["upgrade", "oversize", "garbage"]
"""Why nothing more can be read: another protocol may follow, a head is too large, or it is no HTTP."""


class Reception(Carrier, Protocol):
    """Whoever is told of requests."""

    def begins(self) -> None:
        """A request begins."""

    def arrives(self, call: HttpCall) -> bool:
        """Its head is whole; whether it is taken."""
        ...

    def received(self) -> None:
        """The body of one that was taken is whole."""


class Intake:
    """Belongs to one connection."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._parser = httptools.HttpRequestParser(self)
        self.coming: HttpCall | None = None
        """The call whose body is being received."""
        self._target = b""
        self._head = Head(MAX_FIELDS)
        self._upgrade = False
        """Whether the parser stops after the head at hand, for another protocol."""
        self._repeating = False
        """Whether the head at hand has been told already."""

    def feed(self, data: bytes) -> End | None:
        """Takes bytes in; says why they are the last that it can read."""
        try:
            rest = self._parse(data)
            while rest:
                rest = self._parse(rest)
            self._head.fed(len(data))
        except httptools.HttpParserUpgrade:
            return "upgrade"
        except OversizeError:
            return "oversize"
        except httptools.HttpParserError as error:
            return "oversize" if isinstance(error.__context__, OversizeError) else "garbage"
        return None

    def _parse(self, data: bytes | memoryview) -> memoryview | None:
        """What another parser has to take, if there is such.

        A wish for HTTP/2 or WebSockets is passed over. The parser stops at such a head, and would leave its
        body alone, with which curl and Java's client ask.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            if not self._upgrade:
                raise
            self._go_on_behind_the_head()
            return memoryview(data)[error.args[0] :]
        return None

    def _go_on_behind_the_head(self) -> None:
        framing = "".join(f"{name}: {value}\r\n" for name, value in self._head.fields if name in _FRAMING)
        self._upgrade, self._repeating = False, True
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n".encode("latin-1"))

    # httptools' callbacks

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._repeating:
            return
        self._target = b""
        self._head.begin()
        self._reception.begins()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        if not self._repeating:
            self._target += url
            self._head.take(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; trailers are only counted."""
        if self.coming is None:
            self._head.field(name, value)
        else:
            self._head.trailer(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head.tell()
        if self._repeating:
            self._repeating = False
            return
        parser = self._parser
        path, query = _split(self._target)
        call = HttpCall(
            self._reception,
            parser.get_method().decode("latin-1"),
            path,
            query,
            tuple(self._head.fields),
            lasting=parser.should_keep_alive(),
        )
        if parser.get_http_version() == "1.0":
            call.lasting = call.chunks = False
        self._upgrade = parser.should_upgrade() and call.method != "CONNECT"
        self.coming = call if self._reception.arrives(call) else None

    def on_body(self, data: bytes) -> None:
        """A piece of the request's body."""
        self._head.tell()
        if self.coming is not None:
            self.coming.feed(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._head.tell()
        if self._upgrade:
            return
        call, self.coming = self.coming, None
        if call is not None:
            call.received = True
            call.wake()
            self._reception.received()


def _split(target: bytes) -> tuple[str, str]:
    """Path and query of a request's target, in origin form or absolute (RFC 9112, section 3.2)."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
    else:
        try:
            parsed = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            return target.decode("latin-1"), ""
        path, query = parsed.path or b"/", parsed.query or b""
    shown = path.decode("latin-1")
    return unquote(shown) if "%" in shown else shown, query.decode("latin-1")

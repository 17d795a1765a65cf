"""The listener of `doctor --auth-check`: what credential a client really sends, in one request.

Nothing of a value is told but its scheme, its length and its first three characters.
"""

import hmac
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from pointsman.canon.errors import UnauthorizedError
from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.config.environment import PLACEHOLDER
from pointsman.server.guard import KEY_HEADERS, KEY_QUERY, Admission, key_in
from pointsman.store.client_keys import digest_of
from pointsman.wire.headers import Headers

FIELDS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-pointsman-key")
"""The header fields in which clients send a key."""
MEND = "give the client the key in POINTSMAN_API_KEY, or one of `pointsman keys add`"
ASKED = f"?{KEY_QUERY}="
SHOWN = 3
"""Characters of a value that are told, of one that is at least four times as long."""
SILENT = 5.0
"""Seconds in which a connection must say something."""
ANSWER = b'{"type":"error","error":{"type":"doctor","message":"pointsman doctor has seen your request"}}'


class Sent(Struct, frozen=True):
    """A request, as far as it is told."""

    method: str
    path: str
    query: str
    fields: Headers
    agent: str
    credentials: tuple[tuple[str, str], ...]
    """By the place of each, its value. Shown, it hides them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its header fields."""
        return tuple(name for name, _ in self.fields)

    def __repr__(self) -> str:
        return f"Sent({self.method} {self.path})"


class Listener:
    """On a free loopback port until one request has come."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._server = HTTPServer(("127.0.0.1", 0), _answering(self.sent.append))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait(self, seconds: float) -> Sent | None:
        """The first request that carries more than a greeting; None where none has come in time."""
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0 and not any(map(_tells, self.sent)):
                self._server.timeout = left
                self._server.handle_request()
        finally:
            self._server.server_close()
        return next(filter(_tells, self.sent), self.sent[0] if self.sent else None)


def _tells(sent: Sent) -> bool:
    return sent.method != "HEAD" or bool(sent.credentials)


def _answering(tell: Callable[[Sent], None]) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        timeout = SILENT

        def _answer(self) -> None:
            tell(sent_of(self.command, self.path, self.headers.items()))
            length = int(self.headers.get("content-length") or 0) if self.command == "POST" else 0
            self.rfile.read(min(length, 16 * 1024 * 1024))
            self.send_response(401 if self.command != "HEAD" else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.send_header("connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(ANSWER)

        do_GET = do_POST = do_HEAD = do_PUT = do_OPTIONS = _answer

        def log_message(self, format: str, *args: object) -> None:
            """What is told is told by the report."""

    return Answer


def sent_of(method: str, target: str, fields: Iterable[tuple[str, str]]) -> Sent:
    """A request's credentials, and what may be told beside them."""
    parts = urlsplit(target)
    headers = [(name.lower(), value) for name, value in fields]
    found = [(name, value) for name, value in headers if name in FIELDS]
    found += [(ASKED, value) for name, value in parse_qsl(parts.query) if name == KEY_QUERY]
    agent = next((value for name, value in headers if name == "user-agent"), "none")
    return Sent(method, parts.path, parts.query, tuple(headers), agent, tuple(found))


def judge(sent: Sent | None, admission: Admission, seconds: float) -> list[Finding]:
    """What came, and whether the endpoint would let it in."""
    if sent is None:
        mend = "set the client's base URL to the address above, and send it a prompt"
        return [fail("auth-check", f"time-out: nothing came within {seconds:g} s", mend)]
    names = ", ".join(sent.names)
    came = ok("auth-check request", f"{sent.method} {sent.path} by {sent.agent}; fields {names}")
    try:
        admission.check_key(sent.fields, sent.query)
        let_in = True
    except UnauthorizedError:
        let_in = False
    if not sent.credentials:
        return [came, _none(let_in=let_in)]
    return [came, *(_credential(place, value, admission, let_in=let_in) for place, value in sent.credentials)]


def _none(*, let_in: bool) -> Finding:
    why = "none: it sends no credential in any of " + ", ".join(FIELDS)
    return (
        warn("auth-check", f"{why}; this endpoint asks for none") if let_in else fail("auth-check", why, MEND)
    )


def _credential(place: str, value: str, admission: Admission, *, let_in: bool) -> Finding:
    scheme, bare = _split(value)
    told = f"{place}{' ' + scheme if scheme else ''}, {len(bare)} characters{_beginning(bare)}"
    if place not in KEY_HEADERS and place != ASKED:
        told += ", where no key is looked for,"
    else:
        key = key_in(value) if place != ASKED else value.encode()
        if admission.key is not None and hmac.compare_digest(key, admission.key):
            return ok("auth-check", f"match: {told} is POINTSMAN_API_KEY")
        client = admission.clients.get(digest_of(key.decode("latin-1")))
        if client is not None and client.revoked is None:
            return ok("auth-check", f"match: {told} is the client key {client.name}")
        if client is not None:
            told += f" is the client key {client.name}, which was revoked"
            return fail("auth-check", f"mismatch: {told}", MEND)
    return _unknown(told, bare, admission, let_in=let_in)


def _unknown(told: str, bare: str, admission: Admission, *, let_in: bool) -> Finding:
    if not let_in:
        return fail("auth-check", f"mismatch: {told} is not a key of this endpoint", MEND)
    if admission.key is not None or any(each.revoked is None for each in admission.clients.values()):
        return ok("auth-check", f"beside it: {told} is not a key of this endpoint, and does no harm")
    kind = "the usual placeholder" if bare == PLACEHOLDER else "a value"
    return ok("auth-check", f"match: {told} is {kind}, and this endpoint asks for no key")


def _split(value: str) -> tuple[str, str]:
    """The scheme, where there is one, and the rest."""
    scheme, blank, rest = value.strip().partition(" ")
    return (scheme, rest.strip()) if blank else ("", value.strip())


def _beginning(value: str) -> str:
    return f" that begin with {value[:SHOWN]}" if len(value) >= 4 * SHOWN else ""

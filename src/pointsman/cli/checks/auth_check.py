"""The listener of `doctor --auth-check`: what credential a client really sends, in one request.

Nothing of a value is told but its scheme, its length and its first three characters.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.config.environment import PLACEHOLDER
from pointsman.store.client_keys import ClientKey, digest_of

FIELDS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-pointsman-key")
"""The header fields in which clients send a key."""
MEND = "give the client the key in POINTSMAN_API_KEY"
PARAMETER = "key"
SHOWN = 3
"""Characters of a value that are told, of one that is at least four times as long."""
SILENT = 5.0
"""Seconds in which a connection must say something."""
ANSWER = b'{"type":"error","error":{"type":"doctor","message":"pointsman doctor has seen your request"}}'


class Sent(Struct, frozen=True):
    """A request, as far as it is told."""

    method: str
    path: str
    names: tuple[str, ...]
    """Of its header fields."""
    agent: str
    credentials: tuple[tuple[str, str], ...]
    """By the place of each, its value. Shown, it hides them."""

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
    found += [(f"?{name}=", value) for name, value in parse_qsl(parts.query) if name == PARAMETER]
    agent = next((value for name, value in headers if name == "user-agent"), "none")
    return Sent(method, parts.path, tuple(name for name, _ in headers), agent, tuple(found))


def judge(
    sent: Sent | None, keys: Mapping[str, str], seconds: float, clients: Sequence[ClientKey] = ()
) -> list[Finding]:
    """What came, against the keys that open this endpoint, by what each is called, and those of clients."""
    if sent is None:
        mend = "set the client's base URL to the address above, and send it a prompt"
        return [fail("auth-check", f"time-out: nothing came within {seconds:g} s", mend)]
    names = ", ".join(sent.names)
    came = ok("auth-check request", f"{sent.method} {sent.path} by {sent.agent}; fields {names}")
    if not sent.credentials:
        return [came, _none(keys)]
    digests = {each.digest: each for each in clients}
    return [came, *(_credential(place, value, keys, digests) for place, value in sent.credentials)]


def _none(keys: Mapping[str, str]) -> Finding:
    why = "none: it sends no credential in any of " + ", ".join(FIELDS)
    if not keys:
        return warn("auth-check", f"{why}; this endpoint asks for none")
    return fail("auth-check", why, MEND)


def _credential(place: str, value: str, keys: Mapping[str, str], clients: Mapping[str, ClientKey]) -> Finding:
    scheme, bare = _split(place, value)
    told = f"{place}{' ' + scheme if scheme else ''}, {len(bare)} characters{_beginning(bare)}"
    matched = next((name for name, key in keys.items() if _same(bare, key)), None)
    if matched is not None:
        return ok("auth-check", f"match: {told} is {matched}")
    client = clients.get(digest_of(bare))
    if client is not None and client.revoked is None:
        return ok("auth-check", f"match: {told} is the client key {client.name}")
    if client is not None:
        return fail(
            "auth-check", f"mismatch: {told} is the client key {client.name}, which was revoked", MEND
        )
    if not keys:
        kind = "the usual placeholder" if bare == PLACEHOLDER else "a value"
        return ok("auth-check", f"match: {told} is {kind}, and this endpoint asks for no key")
    return fail("auth-check", f"mismatch: {told} is not a key of this endpoint", MEND)


def _same(value: str, key: str) -> bool:
    return hmac.compare_digest(value.encode("utf-8", "replace"), key.encode("utf-8", "replace"))


def _split(place: str, value: str) -> tuple[str, str]:
    """The scheme and the rest, in the field that has one."""
    scheme, blank, rest = value.strip().partition(" ")
    return (scheme, rest.strip()) if blank and place == FIELDS[0] else ("", value.strip())


def _beginning(value: str) -> str:
    return f" that begin with {value[:SHOWN]}" if len(value) >= 4 * SHOWN else ""

"""The browser's way back: one redirect, taken on 127.0.0.1, then nobody listens any more (RFC 8252, 7.3)."""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import cast

from pointsman.accounts.oauth.attempt import Attempt, belongs
from pointsman.canon.errors import NoCredentialError, SetupError

HOST = "127.0.0.1"
CONNECTION = 5.0
"""Seconds that one connection may take: who connects and says nothing holds up nobody for long."""
DONE = "You may close this page and go back to the terminal."
STRAY = "This page belongs to no sign-in that is under way here."
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>pointsman</title>"
    '<body style="font:1.1rem system-ui;max-width:32rem;margin:20vh auto;padding:0 1rem">'
    "<h1>pointsman</h1><p>{words}</p>"
)


class Loopback(TCPServer):
    """Listens from its making on; close it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises SetupError."""
        self._clock = clock
        self.attempt: Attempt | None = None
        self.target: str | None = None
        self.strays = 0
        """Redirects of other attempts, or made up by a page."""
        try:
            super().__init__((HOST, 0), _Redirect)
        except OSError as error:
            raise SetupError(
                f"cannot listen on {HOST} for the browser: {error.strerror}; use `--manual`"
            ) from error
        self.port = cast("tuple[str, int]", self.server_address)[1]

    def redirect(self, path: str) -> str:
        """The address to come back to."""
        return f"http://{HOST}:{self.port}{path}"

    def wait(self, attempt: Attempt, limit: float) -> str:
        """The redirect of this attempt, within `limit` seconds. Raises NoCredentialError."""
        self.attempt = attempt
        end = self._clock() + limit
        while self.target is None:
            self.timeout = end - self._clock()
            if self.timeout <= 0:
                raise NoCredentialError(self._nobody(limit))
            self.handle_request()
        return self.redirect(self.target)

    def _nobody(self, limit: float) -> str:
        strays = " (an answer came whose state was not this attempt's; it was refused)" if self.strays else ""
        return (
            f"nobody signed in within {limit:g} s{strays}; begin anew, or use `--manual` where the browser "
            "is on another machine"
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is nobody's business."""


class _Redirect(BaseHTTPRequestHandler):
    """Answers with a page; nothing is logged, since the target holds the code."""

    timeout = CONNECTION
    server_version = "pointsman"
    sys_version = ""

    def do_GET(self) -> None:
        """Takes the redirect, if it is the one that is waited for."""
        server = cast("Loopback", self.server)
        attempt = server.attempt
        if self.headers.get("host") != f"{HOST}:{server.port}" or attempt is None:
            self._say(400, STRAY)
        elif belongs(attempt, self.path):
            server.target = self.path
            self._say(200, DONE)
        else:
            server.strays += "code=" in self.path
            self._say(404, STRAY)

    def _say(self, status: int, words: str) -> None:
        page = _PAGE.format(words=words).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.send_header("referrer-policy", "no-referrer")
        self.send_header("cache-control", "no-store")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

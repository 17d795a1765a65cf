"""Talking to a running endpoint over its own HTTP interface, without an event loop.

Front ends are short-lived: the standard library's client costs them nothing to import.
"""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from pointsman.canon.errors import PointsmanError, UnreachableError
from pointsman.canon.json import Json

CHUNK = 64 * 1024


class EndpointError(PointsmanError):
    """The endpoint answered with an error; the message is the endpoint's own."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EndpointClient(Struct, frozen=True):
    """One endpoint, by its address."""

    url: str
    key: str | None = None
    timeout: float = 10.0
    """Seconds of silence after which a short question is given up."""

    def __repr__(self) -> str:
        return f"EndpointClient({self.url!r})"

    def status(self) -> Json:
        """The status page. Raises UnreachableError, EndpointError."""
        return self.get("/status")

    def models(self) -> list[Json]:
        """Every model that it lists."""
        listed: list[Json] = self.get("/v1/models")["data"]
        return listed

    def explain(self, model: str) -> Json:
        """Where a model's name leads, and why."""
        return self.get(f"/explain?model={quote(model, safe='')}")

    def accounts(self, model: str | None) -> Json:
        """The pools; with a model, as its next request finds them."""
        return self.get(f"/accounts?model={quote(model, safe='')}" if model else "/accounts")

    def reload(self) -> Json:
        """Makes it read its configuration again; what came of it."""
        return self._whole("POST", "/reload", b"{}")

    def resume(self) -> Json:
        """Lets backends go on that its guard has halted; which they are."""
        return self._whole("POST", "/resume", b"{}")

    def get(self, path: str) -> Json:
        """A page as JSON."""
        return self._whole("GET", path, None)

    def _whole(self, method: str, path: str, body: bytes | None) -> Json:
        answer: Any = json.loads(b"".join(self.send(method, path, body, timeout=self.timeout)))
        return answer

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[bytes]:
        """The body of the answer, piece by piece. Raises UnreachableError, EndpointError."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        try:
            connection.request(method, path, body, self._headers(headers or {}))
            response = connection.getresponse()
            if response.status >= 400:
                raise EndpointError(_message(response.read(CHUNK)), response.status)
            while piece := response.read1(CHUNK):
                yield piece
        except (OSError, HTTPException) as error:
            raise UnreachableError(f"the endpoint at {self.url} broke off: {error}") from error
        finally:
            connection.close()

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        own = {"content-type": "application/json", "user-agent": "pointsman"}
        if self.key:
            own["authorization"] = f"Bearer {self.key}"
        return {**own, **more}


def _message(body: bytes) -> str:
    """The words of an error, whatever dialect it is in."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.DecodeError:
        return body.decode("utf-8", "replace")[:500]
    return envelope.error.message


class _Words(Struct):
    message: str


class _Envelope(Struct):
    error: _Words

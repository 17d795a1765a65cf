"""One exchange with a sign-in server, over the standard library's HTTP; a parameter of all that asks one."""

import ssl
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from importlib.metadata import version
from typing import IO, TypeAlias
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from msgspec import Struct

from pointsman.canon.errors import SetupError, UnreachableError
from pointsman.config.urls import may_carry_key

PATIENCE = 20.0
"""Seconds for an answer."""
MOST = 1024 * 1024
"""Bytes of an answer that are read."""
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Call(Struct, frozen=True):
    """A request. Shown, it says nothing of its body."""

    url: str
    body: bytes | None = None
    """None asks with GET."""
    content_type: str = FORM

    def __repr__(self) -> str:
        return f"Call({self.url})"


class Answer(Struct, frozen=True):
    """An answer. Shown, it is its status."""

    status: int
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Answer({self.status})"


Web: TypeAlias = Callable[[Call], Answer]
"""Blocks. Raises UnreachableError."""


class _Stay(HTTPRedirectHandler):
    """Follows nobody: a code or a token goes to the address that is known, and nowhere else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def over_network(call: Call) -> Answer:
    """Asks, through the proxy that the environment names. Raises UnreachableError, SetupError."""
    if not may_carry_key(call.url, allow_http=False):
        raise SetupError(f"{call.url} is plain http://, where a token would be readable")
    headers = {"accept": JSON, "user-agent": f"pointsman/{version('pointsman')}"}
    if call.body is not None:
        headers["content-type"] = call.content_type
    request = Request(call.url, data=call.body, headers=headers)
    opener = build_opener(ProxyHandler(), HTTPSHandler(context=ssl.create_default_context()), _Stay())
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.read(MOST))
    except HTTPError as error:
        with error:
            return Answer(error.code, error.read(MOST))
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"{call.url} did not answer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or type(inner).__name__

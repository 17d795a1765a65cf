"""What the HTTP client's exceptions mean: mapped to our errors here and nowhere else."""

import errno
from collections.abc import Callable
from typing import TypeAlias

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Struct

from pointsman.canon.errors import (
    GarbledError,
    SilenceError,
    StaleError,
    TruncatedError,
    UnreachableError,
    UpstreamError,
)


class Circumstances(Struct):
    """What the messages need to know of an exchange."""

    host: str
    """Host and port, never the path or query, which may hold a key."""
    connect: float
    first_byte: float
    idle: float
    proxy: str | None = None
    """The proxy's host and port."""
    reused: bool = False
    """Whether the connection had carried a request before."""


Explain: TypeAlias = Callable[[BaseException, Circumstances], UpstreamError]
Table: TypeAlias = tuple[tuple[type[BaseException], Explain], ...]

_REASONS = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "the network is down",
    errno.ETIMEDOUT: "it does not answer",
    errno.ECONNRESET: "it broke the connection",
}


def _no_connection(error: BaseException, about: Circumstances) -> UpstreamError:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = getattr(cause, "errno", None)
    reason = _REASONS.get(number or 0) or getattr(cause, "strerror", None) or str(cause)
    return UnreachableError(
        f"no connection to {about.host}, {reason}; check that it runs and that its base URL is right"
    )


def _no_name(_: BaseException, about: Circumstances) -> UpstreamError:
    return UnreachableError(
        f"no connection to {about.host}, its name is not known; check the base URL, and the network's DNS"
    )


def _no_connection_in_time(_: BaseException, about: Circumstances) -> UpstreamError:
    via = f" through the proxy {about.proxy}" if about.proxy else ""
    return UnreachableError(
        f"no connection to {about.host}{via} within {about.connect:g} s; check that it can be reached "
        "from here, or raise the backend's `timeouts.connect`"
    )


def _no_trust(error: BaseException, about: Circumstances) -> UpstreamError:
    cause = getattr(error, "certificate_error", error)
    reason = getattr(cause, "verify_message", None) or str(cause)
    return UnreachableError(
        f"the certificate of {about.host} does not verify, {reason}; if you trust its issuer, give the "
        "issuer's certificate as the backend's `ca_file`"
    )


def _no_tls(error: BaseException, about: Circumstances) -> UpstreamError:
    cause = getattr(error, "os_error", error)
    reason = getattr(cause, "reason", None) or str(cause)
    return UnreachableError(
        f"no TLS connection to {about.host}, {reason}; if the server speaks plain HTTP, its base URL "
        "begins with `http://`"
    )


def _no_proxy(error: BaseException, about: Circumstances) -> UpstreamError:
    cause = getattr(error, "os_error", error)
    reason = _REASONS.get(getattr(cause, "errno", None) or 0) or str(cause)
    return UnreachableError(
        f"no connection to the proxy {about.proxy} on the way to {about.host}, {reason}; check HTTPS_PROXY "
        "and the backend's `proxy`"
    )


def _proxy_refuses(error: BaseException, about: Circumstances) -> UpstreamError:
    status = error.status if isinstance(error, aiohttp.ClientResponseError) else 0
    advice = (
        "give it credentials, as http://USER:PASSWORD@HOST:PORT" if status == 407 else "ask whoever runs it"
    )
    return UnreachableError(
        f"the proxy {about.proxy} does not connect to {about.host}, it answers {status}; {advice}"
    )


def _hung_up(_: BaseException, about: Circumstances) -> UpstreamError:
    if about.reused:
        return StaleError(
            f"{about.host} had closed the connection that was kept open to it; the request can be sent again"
        )
    return UnreachableError(
        f"{about.host} closed the connection without an answer; it may be starting or failing: see its log"
    )


def _no_answer(_: BaseException, about: Circumstances) -> UpstreamError:
    return SilenceError(
        f"{about.host} has not begun to answer within {about.first_byte:g} s; if it needs longer, raise the "
        "backend's `timeouts.first_byte`"
    )


def _fell_silent(_: BaseException, about: Circumstances) -> UpstreamError:
    return SilenceError(
        f"{about.host} fell silent for {about.idle:g} s in the middle of its answer; if that is usual, "
        "raise the backend's `timeouts.idle`"
    )


def _not_http(error: BaseException, about: Circumstances) -> UpstreamError:
    reason = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return GarbledError(
        f"the answer of {about.host} is not HTTP as pointsman takes it, {_one_line(reason)}; check that "
        "the base URL points at the API"
    )


def _bad_address(_: BaseException, about: Circumstances) -> UpstreamError:
    return UnreachableError(f"the backend's base URL is not an http or https address: {about.host}")


def _cut(error: BaseException, about: Circumstances) -> UpstreamError:
    return TruncatedError(
        f"{about.host} broke off in the middle of its answer, {_one_line(_root(error))}; ask again"
    )


BEFORE_HEAD: Table = (
    (aiohttp.ConnectionTimeoutError, _no_connection_in_time),
    (aiohttp.SocketTimeoutError, _no_answer),
    (aiohttp.ClientConnectorCertificateError, _no_trust),
    (aiohttp.ClientConnectorSSLError, _no_tls),
    (aiohttp.ClientConnectorDNSError, _no_name),
    (aiohttp.ClientProxyConnectionError, _no_proxy),
    (aiohttp.ClientConnectorError, _no_connection),
    (aiohttp.ClientHttpProxyError, _proxy_refuses),
    (aiohttp.ClientResponseError, _not_http),
    (aiohttp.InvalidURL, _bad_address),
    (aiohttp.NonHttpUrlClientError, _bad_address),
    (aiohttp.ClientPayloadError, _not_http),
    (aiohttp.ClientConnectionError, _hung_up),
    (TimeoutError, _no_answer),
    (ConnectionError, _hung_up),
    (aiohttp.ClientError, _no_connection),
)
"""From the exception to its meaning, while there is no head yet; the first that fits."""

AFTER_HEAD: Table = (
    (aiohttp.SocketTimeoutError, _fell_silent),
    (aiohttp.ClientError, _cut),
    (HttpProcessingError, _cut),
    (OSError, _cut),
)
"""The same for what happens while the body is read."""

CLIENT_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError)
"""What the client raises when the network or the server is to blame."""


def explain(error: Exception, table: Table, about: Circumstances) -> Exception:
    """Our error for the client's; an exception that the table doesn't know is returned as it is."""
    return next((make(error, about) for kind, make in table if isinstance(error, kind)), error)


def _root(error: BaseException) -> str:
    cause = error.__cause__
    return str(getattr(cause, "message", None) or cause or error)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

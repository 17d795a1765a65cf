"""What goes wrong on the way to a backend, in words: each failure says what happened, why, and what to do."""

import errno
import socket
import ssl

from msgspec import Struct

from pointsman.canon.errors import (
    GarbledError,
    SilenceError,
    StaleError,
    TruncatedError,
    UnreachableError,
)


class Circumstances(Struct, frozen=True):
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


_REASONS = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "the network is down",
    errno.ETIMEDOUT: "it does not answer",
    errno.ECONNRESET: "it broke the connection",
}


def no_connection(error: OSError, about: Circumstances) -> UnreachableError:
    """What kept the connection from being made: the name, trust, TLS or the network."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _no_trust(error, about)
    if isinstance(error, ssl.SSLError):
        return _no_tls(error, about)
    if isinstance(error, socket.gaierror):
        return UnreachableError(
            f"no connection to {about.host}, its name is not known; check the base URL, and the network's DNS"
        )
    return UnreachableError(
        f"no connection to {about.host}, {_reason(error)}; check that it runs and that its base URL is right"
    )


def no_connection_in_time(about: Circumstances) -> UnreachableError:
    """Neither yes nor no within `connect` seconds."""
    via = f" through the proxy {about.proxy}" if about.proxy else ""
    return UnreachableError(
        f"no connection to {about.host}{via} within {about.connect:g} s; check that it can be reached "
        "from here, or raise the backend's `timeouts.connect`"
    )


def no_proxy(error: OSError, about: Circumstances) -> UnreachableError:
    """The proxy itself cannot be reached."""
    return UnreachableError(
        f"no connection to the proxy {about.proxy} on the way to {about.host}, {_reason(error)}; check "
        "HTTPS_PROXY and the backend's `proxy`"
    )


def proxy_refuses(status: int, about: Circumstances) -> UnreachableError:
    """The proxy answers CONNECT with something else than yes; 0 where its answer is not HTTP."""
    advice = (
        "give it credentials, as http://USER:PASSWORD@HOST:PORT" if status == 407 else "ask whoever runs it"
    )
    answer = str(status) if status else "with something that is not HTTP"
    return UnreachableError(
        f"the proxy {about.proxy} does not connect to {about.host}, it answers {answer}; {advice}"
    )


def hung_up(about: Circumstances, *, stale: bool) -> UnreachableError:
    """The connection ended before the answer's head; `stale`: because it had before the request came."""
    if stale:
        return StaleError(
            f"{about.host} had closed the connection that was kept open to it; the request can be sent again"
        )
    return UnreachableError(
        f"{about.host} closed the connection without an answer; it may be starting or failing: see its log"
    )


def no_answer(about: Circumstances) -> SilenceError:
    """No whole head within `first_byte` seconds."""
    return SilenceError(
        f"{about.host} has not begun to answer within {about.first_byte:g} s; if it needs longer, raise the "
        "backend's `timeouts.first_byte`"
    )


def fell_silent(about: Circumstances) -> SilenceError:
    """Not one byte within `idle` seconds."""
    return SilenceError(
        f"{about.host} fell silent for {about.idle:g} s in the middle of its answer; if that is usual, "
        "raise the backend's `timeouts.idle`"
    )


def not_http(reason: object, about: Circumstances) -> GarbledError:
    """The head cannot be read."""
    return GarbledError(
        f"the answer of {about.host} is not HTTP as pointsman takes it, {_one_line(str(reason))}; check that "
        "the base URL points at the API"
    )


def broke_off(reason: object, about: Circumstances) -> TruncatedError:
    """The body ended before its end."""
    return TruncatedError(
        f"{about.host} broke off in the middle of its answer, {_one_line(str(reason))}; ask again"
    )


_ISSUER = "if you trust its issuer, give the issuer's certificate as the backend's `ca_file`"
_OTHER_HOST = (
    "correct the host in the backend's `base_url`, or have the server show a certificate for that host"
)
_OUT_OF_DATE = "have it renewed, or set this machine's clock"
_TRUST_ADVICE = {9: _OUT_OF_DATE, 10: _OUT_OF_DATE, 62: _OTHER_HOST, 64: _OTHER_HOST}
"""By OpenSSL's code (openssl, include/openssl/x509_vfy.h): not yet valid, expired, another name, address."""


def _no_trust(error: ssl.SSLCertVerificationError, about: Circumstances) -> UnreachableError:
    advice = _TRUST_ADVICE.get(error.verify_code, _ISSUER)
    return UnreachableError(
        f"the certificate of {about.host} does not verify, {error.verify_message or error}; {advice}"
    )


def _no_tls(error: ssl.SSLError, about: Circumstances) -> UnreachableError:
    return UnreachableError(
        f"no TLS connection to {about.host}, {error.reason or error}; if the server speaks plain HTTP, its "
        "base URL begins with `http://`"
    )


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0) or error.strerror or _one_line(str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

"""The seam to the network: what a request needs to leave, and what comes back."""

from typing import Protocol

from msgspec import Struct

from pointsman.canon.loss import Loss
from pointsman.upstream.seat import Ride
from pointsman.wire.headers import Headers, first


class Outgoing(Struct, frozen=True):
    """A request to an upstream, ready to send. Shown, it hides the credential in its header fields."""

    method: str
    url: str
    """Sent as it stands: percent-encoding is not touched."""
    headers: Headers
    body: bytes = b""
    connect: float = 10.0
    """Seconds until connected."""
    first_byte: float = 300.0
    """Seconds until the response's head."""
    idle: float = 300.0
    """Seconds of silence between two chunks."""
    proxy: str | None = None
    """A proxy's URL; None for a direct connection."""
    ca_file: str | None = None
    """A PEM file that stands beside the system's trust store."""
    engine: str | None = None
    """A model file: the request is for the engine inside pointsman, not for the network."""
    ride: Ride | None = None
    """The WebSocket over which it may go instead."""

    def __repr__(self) -> str:
        return f"Outgoing({self.method}, {len(self.headers)} fields, {len(self.body)} bytes)"


DROPPED = "x-engine-dropped"
"""The response header in which the engine inside pointsman lists the fields that it left out."""


def reported_losses(headers: Headers) -> tuple[Loss, ...]:
    """What the engine inside pointsman left out of a request."""
    names = first(headers, DROPPED) or ""
    return tuple(
        Loss("dropped", name.strip(), "the model inside pointsman cannot do it")
        for name in names.split(",")
        if name.strip()
    )


class Incoming(Protocol):
    """A response whose head has arrived. `close` is always called, and stops the upstream."""

    status: int
    headers: Headers

    async def read(self) -> bytes:
        """The next piece of the body as it arrives, content coding untouched; empty at the end.

        Safe to cancel and to call again. Raises TruncatedError if the connection broke, SilenceError after
        `idle` seconds without a byte.
        """
        ...

    async def close(self) -> None:
        """Ends the exchange; closes the connection unless the body was read to its end."""
        ...


class Transport(Protocol):
    """Sends requests."""

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head. Raises UnreachableError, SilenceError."""
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...

"""Riding: a relayed exchange of a client with a WebSocket goes over one to the upstream, if that has them.

What it brings is the upstream's own memory of the conversation: with `store: false` it is the only place in
which an upstream can find what its thinking was.
"""

from msgspec import structs

from pointsman.accounts.lease import Lease
from pointsman.canon.errors import StaleError
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.parts import Parts
from pointsman.gateway.prepare import Prepared, request_headers
from pointsman.gateway.state import seat_at
from pointsman.routing.plan import Candidate
from pointsman.upstream.seat import Ride
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object
from pointsman.wire.sse import Frame

_OF_A_BODY = frozenset({"content-type", "accept-encoding", "accept"})


def with_ride(
    exchange: Exchange, prepared: Prepared, candidate: Candidate, lease: Lease, parts: Parts
) -> Prepared:
    """The same over a WebSocket, if the upstream lets us have one; the very same where there is none.

    Raises StaleError where it leaves out what the upstream would remember on one.
    """
    seat, dialect = seat_at(exchange, candidate), prepared.dialect
    socketed, stateful = dialect.socketed, dialect.stateful
    if seat is None or socketed is None or stateful is None:
        return prepared
    previous = stateful.wish(exchange.body, exchange.intent.members).previous
    remembered = previous is not None and seat.knows(previous)
    if prepared.form != "relay":
        if remembered:
            seat.leave()
            raise StaleError("the request is rewritten, and goes without what the connection remembered")
        return prepared
    outgoing = prepared.outgoing
    ride = Ride(
        seat=seat,
        message=socketed.message(decode_object(outgoing.body)),
        headers=_handshake(exchange, candidate, dialect, lease, parts),
        key=lease.headers,
        continues=previous if remembered else None,
        socketed=socketed,
        named=lambda message: _identity(dialect, message),
    )
    return structs.replace(prepared, outgoing=structs.replace(outgoing, ride=ride))


def _handshake(
    exchange: Exchange, candidate: Candidate, dialect: Dialect, lease: Lease, parts: Parts
) -> Headers:
    """The fields that a request would have, as far as they are not about its body."""
    assert exchange.seats is not None
    asked = structs.replace(exchange, headers=exchange.seats.headers)
    fields = request_headers(asked, candidate, dialect, lease, parts, form="relay")
    return tuple(pair for pair in fields if pair[0] not in _OF_A_BODY)


def _identity(dialect: Dialect, message: bytes) -> str | None:
    stateful = dialect.stateful
    answer = None if stateful is None else stateful.final(Frame("", message))
    return None if stateful is None or answer is None else stateful.identity(answer)

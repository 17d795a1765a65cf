"""The transport of exchanges that may go over a WebSocket; all others go by HTTP."""

from pointsman.canon.errors import StaleError
from pointsman.upstream.http import HttpTransport
from pointsman.upstream.seat import Ride, SocketAnswer
from pointsman.upstream.transport import Incoming, Outgoing


class SocketTransport:
    """Over the network; a seat that is refused is asked for no second time."""

    def __init__(self, network: HttpTransport) -> None:
        self._network = network

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head. Raises what `HttpTransport.send` does."""
        ride = outgoing.ride
        if ride is None or ride.seat.refused:
            return await self._network.send(outgoing)
        seat = ride.seat
        reused = seat.usable() and seat.key == ride.key
        if not reused and not await self._open(outgoing, ride):
            return await self._network.send(outgoing)
        assert seat.line is not None
        answer = SocketAnswer(seat.line, ride, self._network.about(outgoing, reused=reused))
        try:
            await answer.begin()
        except BaseException:
            seat.leave()
            raise
        return answer

    async def _open(self, outgoing: Outgoing, ride: Ride) -> bool:
        """Whether the upstream lets us have one. Raises UnreachableError; StaleError where what it is to
        remember has gone with the connection before."""
        remembered = ride.continues is not None and ride.seat.line is not None
        ride.seat.leave()
        if remembered:
            raise StaleError(
                "the connection that remembered the answer has ended; the request can be sent again"
            )
        line = await self._network.open_socket(outgoing, ride.headers)
        if line is None:
            ride.seat.refused = True
            return False
        ride.seat.take(line, ride.key)
        return True

    async def close(self) -> None:
        """Closes every connection."""
        await self._network.close()

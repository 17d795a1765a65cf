"""The switch: requests for the model inside pointsman go to the engine, all others to the network."""

from collections.abc import Callable

from pointsman.upstream.transport import Incoming, Outgoing, Transport


class Switch:
    """Implements `Transport`. The engine's side is made at its first request."""

    def __init__(self, network: Transport, make_engine: Callable[[], Transport]) -> None:
        self._network = network
        self._make_engine = make_engine
        self._engine: Transport | None = None

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head, from whichever side the request is for."""
        if outgoing.engine is None:
            return await self._network.send(outgoing)
        if self._engine is None:
            self._engine = self._make_engine()
        return await self._engine.send(outgoing)

    async def close(self) -> None:
        """Closes both sides."""
        if self._engine is not None:
            await self._engine.close()
        await self._network.close()

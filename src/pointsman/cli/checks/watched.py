"""A transport that notes how each answer began: its status and its server's clock."""

import time
from urllib.parse import urlsplit

from pointsman.upstream.transport import Incoming, Outgoing, Transport
from pointsman.wire.headers import first, http_date


class WatchedTransport:
    """Passes everything on to `network`."""

    def __init__(self, network: Transport) -> None:
        self._network = network
        self.skews: dict[str, float] = {}
        """By host, how many seconds its clock is ahead of ours."""

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head. Raises UnreachableError, SilenceError."""
        incoming = await self._network.send(outgoing)
        told = http_date(first(incoming.headers, "date") or "")
        if told is not None:
            self.skews[urlsplit(outgoing.url).hostname or ""] = told - time.time()
        return incoming

    async def close(self) -> None:
        """Closes every connection."""
        await self._network.close()

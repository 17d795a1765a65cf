"""A transport that notes how each answer began: its status and its server's clock."""

import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pointsman.upstream.transport import Incoming, Outgoing, Transport
from pointsman.wire.headers import first


class WatchedTransport:
    """Passes everything on to `network`."""

    def __init__(self, network: Transport) -> None:
        self._network = network
        self.skews: dict[str, float] = {}
        """By host, how many seconds its clock is ahead of ours."""

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head. Raises UnreachableError, SilenceError."""
        incoming = await self._network.send(outgoing)
        told = first(incoming.headers, "date")
        if told is not None:
            self._note(urlsplit(outgoing.url).hostname or "", told)
        return incoming

    def _note(self, host: str, told: str) -> None:
        try:
            self.skews[host] = parsedate_to_datetime(told).timestamp() - time.time()
        except ValueError:
            return  # no date that could be compared

    async def close(self) -> None:
        """Closes every connection."""
        await self._network.close()

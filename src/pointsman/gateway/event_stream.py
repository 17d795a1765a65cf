"""Answers that come as an AWS event stream, read as server-sent events by all that stands behind."""

from pointsman.upstream.transport import Incoming
from pointsman.wire import headers as fields
from pointsman.wire.event_frames import EventFrames
from pointsman.wire.event_stream import MEDIA_TYPE
from pointsman.wire.headers import Headers

_FRAMED: Headers = (("content-type", "text/event-stream"),)


def framed(incoming: Incoming) -> Incoming:
    """The response itself, or one whose body is a stream of server-sent events instead."""
    kind = (fields.first(incoming.headers, "content-type") or "").partition(";")[0].strip().lower()
    return _Framed(incoming) if kind == MEDIA_TYPE else incoming


class _Framed:
    """A response whose messages become frames as they are read."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._frames = EventFrames()
        self.status = incoming.status
        self.headers = (*fields.without_entity(incoming.headers), *_FRAMED)

    async def read(self) -> bytes:
        """The frames of the next piece that completes any; empty at the end.

        Raises as the response itself, and GarbledError for a damaged stream.
        """
        while chunk := await self._incoming.read():
            frames = self._frames.feed(chunk)
            if frames:
                return frames
        self._frames.close()
        return b""

    async def close(self) -> None:
        """Ends the exchange."""
        await self._incoming.close()

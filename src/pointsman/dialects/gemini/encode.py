"""Events → the stream for a client: one response for each piece, as server-sent events.

There is no first and no last event. A thought's state goes out when it ends; a call when its arguments
are whole, since they are an object here. The last response says why each candidate ended, with the token
counts; it holds an empty text, because the chats of Google's SDKs take a response without parts for a
broken one. Nothing keeps a client waiting: the SDK for JavaScript stumbles over comments in its older
versions.
"""

from pointsman.canon.events import Event, MessageStart
from pointsman.canon.loss import Loss
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gemini.foreign_stream import ForeignStream
from pointsman.dialects.gemini.losses import MALFORMED_ARGUMENTS
from pointsman.dialects.gemini.own_stream import OwnStream
from pointsman.dialects.gemini.words import NAME


class StreamEncoder:
    """One streamed answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._stream: OwnStream | ForeignStream = ForeignStream(asked)

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        if type(event) is MessageStart and event.dialect == NAME:
            self._stream = OwnStream(self._asked)
        return self._stream.write(event)

    def close(self) -> bytes:
        """Nothing: the stream simply closes."""
        return b""

    def losses(self) -> tuple[Loss, ...]:
        """Arguments that were no object."""
        malformed = isinstance(self._stream, ForeignStream) and self._stream.malformed
        return (MALFORMED_ARGUMENTS,) if malformed else ()

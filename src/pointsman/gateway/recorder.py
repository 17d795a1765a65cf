"""The recorder: reads a copy of what a client gets for the id of the answer and for the whole of it.

Like the tap it never touches the answer: what it cannot read is not kept, and that is all.
"""

from collections.abc import Callable

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.dialects.stateful import Stateful
from pointsman.wire import headers as fields
from pointsman.wire.coding import decode_body
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object
from pointsman.wire.sse import FrameReader

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer that is recorded."""


class Recorder:
    """Follows one answer, as its client's dialect has it.

    `begun` is told the id of a stream's answer as soon as it is known, `final` the whole answer before the
    client has the last of it.
    """

    def __init__(
        self,
        stateful: Stateful,
        *,
        stream: bool,
        begun: Callable[[str], None] | None = None,
        final: Callable[[Json], None] | None = None,
    ) -> None:
        self._stateful = stateful
        self._stream = stream
        self._begun = begun
        self._final = final
        self._reader = FrameReader(LARGEST)
        self._pieces: list[bytes] = []
        self._size = 0
        self._coding: str | None = None
        self._on = False

    def begin(self, status: int, headers: Headers) -> None:
        """The head of the answer."""
        self._coding = fields.first(headers, "content-encoding")
        self._on = status == 200 and not (self._stream and self._coding)

    def note(self, data: bytes) -> None:
        """A piece of it."""
        if not self._on:
            return
        try:
            if self._stream:
                self._follow(data)
            else:
                self._collect(data)
        except PointsmanError:
            self._on = False

    def end(self) -> None:
        """It is whole."""
        if not self._on or self._stream:
            return
        self._on = False
        try:
            body = b"".join(self._pieces)
            answer = decode_object(decode_body(body, self._coding, LARGEST) if self._coding else body)
        except PointsmanError:
            return
        response_id = self._stateful.identity(answer)
        if response_id is not None:
            self._tell_begun(response_id)
            self._tell_final(answer)

    def _follow(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if self._begun is not None and (response_id := self._stateful.begun(frame)) is not None:
                self._tell_begun(response_id)
            if self._final is not None and (answer := self._stateful.final(frame)) is not None:
                self._tell_final(answer)
        self._on = self._begun is not None or self._final is not None

    def _collect(self, data: bytes) -> None:
        self._size += len(data)
        self._on = self._size <= LARGEST
        self._pieces.append(data)

    def _tell_begun(self, response_id: str) -> None:
        tell, self._begun = self._begun, None
        if tell is not None:
            tell(response_id)

    def _tell_final(self, answer: Json) -> None:
        tell, self._final = self._final, None
        if tell is not None and self._stateful.identity(answer) is not None:
            tell(answer)

"""The engine's answers as responses in Chat Completions: streamed, whole, or refused."""

from collections.abc import Iterable

from pointsman.canon.errors import RequestError, TruncatedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.upstream.engine_answer import Fold, Stream
from pointsman.upstream.engine_line import EngineIncoming
from pointsman.upstream.engine_request import EngineRequest
from pointsman.upstream.transport import DROPPED
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object, encode
from pointsman.wire.sse import FrameReader

_OVERFLOW = "exceed_context_size_error"


class StreamedAnswer:
    """A stream, rewritten frame by frame."""

    def __init__(self, incoming: EngineIncoming, asked: EngineRequest) -> None:
        self.status = incoming.status
        self.headers: Headers = (*incoming.headers, *_dropped(asked.losses))
        self._incoming = incoming
        self._reader = FrameReader()
        self._stream = Stream(asked.forced)

    async def read(self) -> bytes:
        """The next frames; empty at the end. Raises TruncatedError, SilenceError."""
        while True:
            piece = await self._incoming.read()
            frames = self._reader.feed(piece)
            data = b"".join(self._stream.pass_on(one) for one in frames)
            if data:
                return data
            if not piece:
                return self._end()

    async def close(self) -> None:
        """Ends the exchange."""
        await self._incoming.close()

    def _end(self) -> bytes:
        if not self._stream.over:
            raise TruncatedError("the engine stopped before the end of its answer; ask again")
        return b""


class WholeAnswer:
    """A body that is there already."""

    def __init__(self, status: int, value: Json, headers: Headers = ()) -> None:
        self.status = status
        self._body = encode(value)
        length = str(len(self._body))
        self.headers: Headers = (("content-type", "application/json"), ("content-length", length), *headers)

    async def read(self) -> bytes:
        """The body; then nothing."""
        body, self._body = self._body, b""
        return body

    async def close(self) -> None:
        """Nothing is left to close."""


async def folded(incoming: EngineIncoming, asked: EngineRequest) -> WholeAnswer:
    """The whole answer of a stream. Raises TruncatedError, SilenceError."""
    reader, fold = FrameReader(), Fold(asked.forced)
    try:
        while piece := await incoming.read():
            for one in reader.feed(piece):
                fold.add(one)
    finally:
        await incoming.close()
    if fold.error is not None:
        return _error(500, fold.error)
    return WholeAnswer(200, fold.whole(), _dropped(asked.losses))


async def refused(incoming: EngineIncoming) -> WholeAnswer:
    """The engine's error in OpenAI's form. Raises TruncatedError, SilenceError, MalformedError."""
    return _error(incoming.status, decode_object(await incoming.rest()))


def refusal(error: RequestError) -> WholeAnswer:
    """An error that was found before the engine was asked."""
    named = {
        "message": error.message,
        "type": error.kind + "_error",
        "param": error.param,
        "code": error.code,
    }
    return WholeAnswer(error.status, {"error": named})


def _error(status: int, body: Json) -> WholeAnswer:
    said: Json = body.get("error") or {}
    status = said["code"] if isinstance(said.get("code"), int) else status
    kind = said.get("type")
    code = "context_length_exceeded" if kind == _OVERFLOW else None
    kind = "invalid_request_error" if kind == _OVERFLOW else kind
    return WholeAnswer(
        status, {"error": {"message": said.get("message"), "type": kind, "param": None, "code": code}}
    )


def _dropped(losses: Iterable[Loss]) -> Headers:
    names = ", ".join(loss.what for loss in losses)
    return ((DROPPED, names),) if names else ()

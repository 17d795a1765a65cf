"""The embedded model behind the transport seam: requests with a model file go to the engine in this process.

One engine per model file, loaded at its first request and kept until `close`. Every exchange has a connection
of its own, and closing that is what tells the engine to stop.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from pointsman.canon.errors import RequestError, SetupError, UnreachableError
from pointsman.upstream.engine_grammar import check_enums, forms, with_grammar
from pointsman.upstream.engine_grammar import refused as unheld
from pointsman.upstream.engine_incoming import StreamedAnswer, folded, refusal, refused
from pointsman.upstream.engine_line import EngineLine
from pointsman.upstream.engine_request import EngineRequest, chat_request, text_request
from pointsman.upstream.engine_server import EngineSettings, RunningEngine, start
from pointsman.upstream.transport import Incoming, Outgoing, Transport
from pointsman.wire.json import decode_object, encode

_CHAT = "/chat/completions"
_TEXT = "/completions"


class EngineTransport:
    """Sends requests to model files, and all others to `network`."""

    def __init__(self, network: Transport, settings: EngineSettings | None = None) -> None:
        self._network = network
        self._settings = settings or EngineSettings()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._loading: dict[str, asyncio.Future[RunningEngine]] = {}
        self._lines: dict[str, EngineLine] = {}

    async def send(self, outgoing: Outgoing, /) -> Incoming:
        """The response's head. Raises UnreachableError, SilenceError."""
        if outgoing.engine is None:
            return await self._network.send(outgoing)
        line = await self._line(outgoing.engine)
        path = _target(outgoing.url)
        try:
            asked = await _asked(line, outgoing.method, path, outgoing.body)
        except RequestError as error:
            return refusal(error)
        incoming = await line.ask(outgoing, path, outgoing.body if asked is None else encode(asked.body))
        if incoming.status >= 400:
            return await refused(incoming)
        if asked is None:
            return incoming
        return StreamedAnswer(incoming, asked) if asked.streaming else await folded(incoming, asked)

    async def close(self) -> None:
        """Unloads every engine, whatever is under way, and closes the network."""
        for line in self._lines.values():
            await line.close()
        self._lines.clear()
        loading, self._loading = tuple(self._loading.values()), {}
        for engine in await asyncio.gather(*loading, return_exceptions=True):
            if isinstance(engine, RunningEngine):
                engine.stop()
        self._loader.shutdown(wait=False)
        await self._network.close()

    async def _line(self, file: str) -> EngineLine:
        engine = await self._engine(file)
        if file not in self._lines:
            self._lines[file] = EngineLine(engine)
        return self._lines[file]

    async def _engine(self, file: str) -> RunningEngine:
        if file not in self._loading:
            loop = asyncio.get_running_loop()
            self._loading[file] = loop.run_in_executor(self._loader, start, Path(file), self._settings)
        loading = self._loading[file]
        try:
            # Whoever asked first may leave; the others still wait for the same engine.
            return await asyncio.shield(loading)
        except (SetupError, UnreachableError) as error:
            if self._loading.get(file) is loading:
                del self._loading[file]
            raise UnreachableError(error.message, code="engine_unavailable") from error


async def _asked(line: EngineLine, method: str, path: str, body: bytes) -> EngineRequest | None:
    """The request as the engine takes it; None if it goes as it stands. Raises RequestError."""
    place = path.partition("?")[0]
    if method != "POST" or not place.endswith(_TEXT):
        return None
    if not place.endswith(_CHAT):
        return text_request(decode_object(body))
    return await _held(line, chat_request(decode_object(body), knows_tools=await line.knows_tools()))


async def _held(line: EngineLine, asked: EngineRequest) -> EngineRequest:
    """The request with the grammar that holds the answer to its schema. Raises UnsupportedError."""
    # The engine takes no grammar of ours beside tools that the model is free to call.
    if asked.schema is None or asked.body.get("tools"):
        return asked
    if not line.engine.guided:
        check_enums(asked.schema)
        return asked
    for grammar, losses in forms(asked.schema):
        if await line.takes(grammar):
            return with_grammar(asked, grammar, losses)
    raise unheld(asked.schema)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")

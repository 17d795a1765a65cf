"""The way to a running engine: HTTP over its socket, a connection for each exchange.

A connection is never used twice: the engine closes them after a stream although it says that it keeps them.
"""

import asyncio

import aiohttp

from pointsman.canon.errors import SilenceError, TruncatedError, UnreachableError
from pointsman.canon.json import Json
from pointsman.upstream.engine_server import RunningEngine
from pointsman.upstream.engine_sockets import UnixConnector, tcp_connector
from pointsman.upstream.transport import Outgoing
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_object

_SOCKET = "unix://"
_BROKEN = (aiohttp.ClientError, OSError)
_NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None)


class EngineLine:
    """Asks one running engine; belongs to the event loop that made it."""

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        path = engine.address.removeprefix(_SOCKET)
        connector: aiohttp.BaseConnector
        if path != engine.address:
            connector, self._root = UnixConnector(path, engine.sockets), "http://localhost"
        else:
            connector, self._root = tcp_connector(engine.sockets), engine.address
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"authorization": f"Bearer {engine.key}", "content-type": "application/json"},
            timeout=_NO_LIMIT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._knows_tools: bool | None = None

    async def ask(self, outgoing: Outgoing, path: str, body: bytes) -> "EngineIncoming":
        """The head of the engine's answer. Raises SilenceError, UnreachableError."""
        try:
            async with asyncio.timeout(outgoing.first_byte):
                response = await self._session.request(
                    outgoing.method, self._root + path, data=body or None, allow_redirects=False
                )
        except TimeoutError as error:
            raise SilenceError(
                f"the embedded model has not begun within {outgoing.first_byte:g} s: it is busy with other "
                "requests, or the prompt is long; wait, or use another backend"
            ) from error
        except _BROKEN as error:
            raise UnreachableError(f"the engine does not answer: {error}; start pointsman anew") from error
        return EngineIncoming(response, outgoing.idle)

    async def knows_tools(self) -> bool:
        """Whether the template of the model has a place for tools. Raises SilenceError, UnreachableError."""
        if self._knows_tools is None:
            incoming = await self.ask(Outgoing("GET", self._root, ()), "/props", b"")
            properties = decode_object(await incoming.rest())
            able: Json = properties.get("chat_template_caps") or {}
            self._knows_tools = able.get("supports_tools") is True
        return self._knows_tools

    async def close(self) -> None:
        """Closes every connection."""
        await self._session.close()


class EngineIncoming:
    """A response of the engine as it is."""

    def __init__(self, response: aiohttp.ClientResponse, idle: float) -> None:
        self.status = response.status
        self.headers: Headers = (("content-type", response.headers.get("content-type", "application/json")),)
        self._response = response
        self._idle = idle

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises TruncatedError, SilenceError."""
        try:
            async with asyncio.timeout(self._idle):
                return await self._response.content.readany()
        except TimeoutError as error:
            raise SilenceError(f"the embedded model was silent for {self._idle:g} s; ask again") from error
        except _BROKEN as error:
            raise TruncatedError(f"the engine broke off in the middle of its answer: {error}") from error

    async def rest(self) -> bytes:
        """The whole body; ends the exchange. Raises TruncatedError, SilenceError."""
        pieces: list[bytes] = []
        try:
            while piece := await self.read():
                pieces.append(piece)
        finally:
            await self.close()
        return b"".join(pieces)

    async def close(self) -> None:
        """Closes the connection, which stops the engine's work for it."""
        self._response.close()

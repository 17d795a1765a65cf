"""The way to a running engine: HTTP over its socket, a connection for each exchange.

A connection is never used twice: the engine closes them after a stream although it says that it keeps them.
"""

import asyncio
import socket
from hashlib import sha256
from urllib.parse import urlsplit

from pointsman.canon.errors import SilenceError, UnreachableError
from pointsman.canon.json import Json
from pointsman.upstream.answer import Answer
from pointsman.upstream.connection import Connection
from pointsman.upstream.engine_grammar import taken, trial
from pointsman.upstream.engine_server import RunningEngine
from pointsman.upstream.failures import Circumstances
from pointsman.upstream.transport import Outgoing
from pointsman.wire.headers import Headers, first
from pointsman.wire.json import decode_object, encode

_SOCKET = "unix://"
_REMEMBERED = 256
_NAME = "the embedded model"


class EngineLine:
    """Asks one running engine; belongs to the event loop that made it."""

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        self._open: set[Connection] = set()
        self._knows_tools: bool | None = None
        self._taken: dict[bytes, bool] = {}

    async def ask(self, outgoing: Outgoing, path: str, body: bytes) -> "EngineIncoming":
        """The head of the engine's answer. Raises SilenceError, UnreachableError."""
        about = Circumstances(_NAME, outgoing.connect, outgoing.first_byte, outgoing.idle)
        try:
            connection = await self._connect()
        except OSError as error:
            raise UnreachableError(f"the engine does not answer: {error}; start pointsman anew") from error
        try:
            return EngineIncoming(await connection.ask(self._head(outgoing.method, path, body), body, about))
        except SilenceError as error:
            raise SilenceError(
                f"{_NAME} has not begun within {outgoing.first_byte:g} s: it is busy with other requests, or "
                "the prompt is long; wait, or use another backend"
            ) from error

    def _head(self, method: str, path: str, body: bytes) -> bytes:
        return (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.engine.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode("latin-1")

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        path = self.engine.address.removeprefix(_SOCKET)
        local = path != self.engine.address
        one = self.engine.sockets.new(socket.AF_UNIX if local else socket.AF_INET)
        try:
            await loop.sock_connect(one, path if local else _port_of(self.engine.address))
            if local:
                _, connection = await loop.create_unix_connection(self._made, sock=one)
            else:
                _, connection = await loop.create_connection(self._made, sock=one)
        except BaseException:
            one.close()
            raise
        self._open.add(connection)
        return connection

    def _made(self) -> Connection:
        return Connection(Connection.abort, self._open.discard)

    async def knows_tools(self) -> bool:
        """Whether the template of the model has a place for tools. Raises SilenceError, UnreachableError."""
        if self._knows_tools is None:
            incoming = await self.ask(Outgoing("GET", self.engine.address, ()), "/props", b"")
            properties = decode_object(await incoming.rest())
            able: Json = properties.get("chat_template_caps") or {}
            self._knows_tools = able.get("supports_tools") is True
        return self._knows_tools

    async def takes(self, grammar: str) -> bool:
        """Whether the engine takes a grammar; it is asked once. Raises SilenceError, UnreachableError."""
        name = sha256(grammar.encode()).digest()
        if name not in self._taken:
            incoming = await self.ask(Outgoing("POST", "", ()), "/completion", encode(trial(grammar)))
            if len(self._taken) >= _REMEMBERED:
                self._taken.clear()
            self._taken[name] = taken(decode_object(await incoming.rest()))
        return self._taken[name]

    async def close(self) -> None:
        """Closes every connection."""
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)  # the loop tells each of its end in its next turn


class EngineIncoming:
    """A response of the engine as it is."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers: Headers = (
            ("content-type", first(answer.headers, "content-type") or "application/json"),
        )
        self.read = answer.read
        self.close = answer.close

    async def rest(self) -> bytes:
        """The whole body; ends the exchange. Raises TruncatedError, SilenceError."""
        pieces: list[bytes] = []
        try:
            while piece := await self.read():
                pieces.append(piece)
        finally:
            await self.close()
        return b"".join(pieces)


def _port_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80

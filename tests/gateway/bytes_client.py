"""A client of bytes: it sees each header, whether a body was whole, and may leave whenever it likes."""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """A response as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    """Names in lower case."""
    body: bytes = b""
    whole: bool = False
    """The body came to its proper end."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def frames(self) -> list[tuple[str | None, str]]:
        """(event name, data) of each frame of a stream; comments are left out."""
        found = []
        for block in self.body.decode().replace("\r\n", "\n").split("\n\n"):
            lines = block.split("\n")
            data = [line[5:].strip() for line in lines if line.startswith("data:")]
            names = [line[6:].strip() for line in lines if line.startswith("event:")]
            name = names[-1] if names else None
            if data:
                found.append((name, "\n".join(data)))
        return found

    @property
    def events(self) -> list[Any]:
        """The decoded data of each frame; `[DONE]` as text."""
        return [data if data == "[DONE]" else json.loads(data) for _, data in self.frames]


@dataclass
class Call:
    """A request on its way."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answer: Answer = field(default_factory=lambda: Answer(0, []))
    _chunked: bool = False
    _left: int | None = None

    async def head(self) -> Answer:
        """Waits for the head of the answer."""
        if not self.answer.status:
            raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = raw.rstrip("\r\n").split("\r\n")
            self.answer.status = int(first.split(" ", 2)[1])
            pairs = [line.partition(":") for line in lines]
            self.answer.headers = [(name.lower(), value.strip()) for name, _, value in pairs]
            self._chunked = self.answer.header("transfer-encoding") == "chunked"
            length = self.answer.header("content-length")
            self._left = int(length) if length is not None and not self._chunked else None
            if self.answer.status in (204, 304):
                self._left = 0
        return self.answer

    async def piece(self) -> bytes:
        """The next piece of the body; empty at its end, proper or not."""
        await self.head()
        try:
            piece = await (self._chunk() if self._chunked else self._plain())
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.answer.body += piece
        return piece

    async def _chunk(self) -> bytes:
        size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
        data = await self.reader.readexactly(size + 2)
        self.answer.whole = size == 0
        return data[:-2]

    async def _plain(self) -> bytes:
        if self._left == 0:
            self.answer.whole = True
            return b""
        piece = await self.reader.read(65536 if self._left is None else min(65536, self._left))
        if self._left is not None:
            self._left -= len(piece)
            self.answer.whole = self._left == 0
        return piece

    async def until(self, text: bytes) -> Answer:
        """Reads until the text is in the body."""
        while text not in self.answer.body:
            if not await self.piece():
                raise AssertionError(f"{text!r} did not come: {self.answer}")
        return self.answer

    async def rest(self) -> Answer:
        """Reads the answer to its end."""
        await self.head()
        while await self.piece():
            pass
        return self.answer

    def leave(self, *, abruptly: bool = False) -> None:
        """The client goes away."""
        if abruptly:
            plain = self.writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()


def request_bytes(method, target, headers, body=b"", *, port):
    """A request in HTTP/1.1, its fields as they are given."""
    names = {name.lower() for name, _ in headers}
    fields = list(headers)
    if "host" not in names:
        fields.insert(0, ("Host", f"127.0.0.1:{port}"))
    if "transfer-encoding" not in names and "content-length" not in names and (body or method == "POST"):
        fields.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@asynccontextmanager
async def calling(port, raw, *, host="127.0.0.1", buffer=None):
    """A connection on which `raw` has been sent; `buffer` makes the client's own receive buffer small."""
    plain = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    plain.setblocking(False)
    if buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    await asyncio.get_running_loop().sock_connect(plain, (host, port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=buffer or 1 << 20)
    try:
        writer.write(raw)
        yield Call(reader, writer)
    finally:
        writer.transport.abort()

"""The network transport, and what stands at the other end: servers and proxies that tests play."""

import asyncio
import contextlib

from pointsman.upstream.http import HttpTransport
from pointsman.upstream.transport import Outgoing


@contextlib.asynccontextmanager
async def network():
    """A transport, closed at the end."""
    transport = HttpTransport()
    try:
        yield transport
    finally:
        await transport.close()


@contextlib.asynccontextmanager
async def serving(play, host="127.0.0.1", tls=None):
    """A server that does what `play(reader, writer)` says on every connection; its port."""

    async def served(reader, writer):
        try:
            await play(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(served, host, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def whole(incoming):
    """The body of an answer, which is closed then."""
    pieces = []
    while piece := await incoming.read():
        pieces.append(piece)
    await incoming.close()
    return b"".join(pieces)


async def get(transport, url, **fields):
    """The body of the answer to a request without one."""
    return await whole(await transport.send(Outgoing("GET", url, (), **fields)))


@contextlib.asynccontextmanager
async def tunnelling(requests, tls=None):
    """A proxy that does what CONNECT asks for; its URL."""

    async def pass_on(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def play(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        requests.append(head)
        host, _, port = head.split()[1].rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    async with serving(play, tls=tls) as port:
        yield f"127.0.0.1:{port}"


async def refused_in_an_upload(refuse):
    """(status, body) where a server reads the head only and then does what `refuse(writer)` says."""
    left = asyncio.Event()

    async def play(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        refuse(writer)
        await left.wait()

    async with serving(play) as port, network() as transport:
        request = Outgoing("POST", f"http://127.0.0.1:{port}/", (), bytes(32 * 1024 * 1024))
        incoming = await transport.send(request)
        body = await whole(incoming)
        left.set()
        return incoming.status, body

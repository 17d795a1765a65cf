"""A host on its own: what is behind it is a function of the test, what is before it a client of bytes."""

import asyncio
import contextlib
import json

from pointsman.server.call import ClientLeftError
from pointsman.server.hosting import Host
from pointsman.server.listening import open_sockets, port_of
from scripted import run

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def tells(call):
    """Answers with what it was asked."""
    body = b""
    while piece := await call.piece():
        body += piece
    seen = [call.method, call.path, call.query, body.decode("latin-1"), list(call.headers)]
    answer = json.dumps(seen).encode()
    await call.head(200, (("content-length", str(len(answer))),))
    await call.finish(answer)


@contextlib.asynccontextmanager
async def hosting(answer=tells, grace=1.0):
    host = Host(answer, grace=grace, new_id=lambda: "id-7")
    sockets = open_sockets("127.0.0.1", 0)
    port = port_of(sockets)
    await host.open(sockets)
    running = asyncio.ensure_future(host.run_until_ended())
    try:
        yield host, port
    finally:
        host.end()
        await running


@contextlib.asynccontextmanager
async def client(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def response(reader):
    """(head, body) of one response with a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
    return head, await reader.readexactly(length)


def conversation(*raw, answer=tells):
    """Everything that comes back for what is sent, until the server closes the connection."""

    async def scenario():
        async with hosting(answer) as (_, port), client(port) as (reader, writer):
            for piece in raw:
                writer.write(piece)
                await writer.drain()
            return await reader.read()

    return run(scenario())


def told(data):
    """What `tells` was asked, response by response."""
    bodies = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        bodies.append(json.loads(rest[:length]))
        data = rest[length:]
    return bodies


def leaving_in_its_body(leave):
    """Whether who reads a body is told when `leave(writer)` ends it early, and what the client got."""

    async def scenario():
        told_of = asyncio.get_running_loop().create_future()

        async def reads(call):
            try:
                await tells(call)
            except ClientLeftError:
                told_of.set_result(True)

        async with hosting(reads) as (_, port), client(port) as (reader, writer):
            writer.write(POST + b"Content-Length: 10\r\n\r\nabc")
            await writer.drain()
            leave(writer)
            return await told_of, await reader.read()

    return run(scenario())

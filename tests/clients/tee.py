"""A TCP relay that keeps what a client sends, so that it can be compared with what arrived in the end."""

import asyncio
import re
from urllib.parse import urlsplit

import scripted
from scripted import in_thread


class Tee:
    """Copies bytes to an address and back; `requests` are the client's, in the order of their connections."""

    def __init__(self, address):
        self._to = urlsplit(address)
        self._heard = []
        self._said = []
        self._running = set()
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self):
        return asyncio.run(self._parsed())

    @property
    def losses(self):
        """What pointsman reported as lost, answer by answer."""
        lines = re.findall(rb"^x-pointsman-losses: (.*)\r$", b"".join(map(bytes, self._said)), re.MULTILINE)
        return [line.decode().split("; ") for line in lines]

    async def _parsed(self):
        found = []
        for number, heard in enumerate(self._heard):
            reader = asyncio.StreamReader(limit=1 << 24)
            reader.feed_data(bytes(heard))
            reader.feed_eof()
            while (seen := await scripted._read_request(reader, number)) is not None:
                found.append(seen)
        return found

    async def _serve(self, reader, writer):
        heard, said = bytearray(), bytearray()
        self._heard.append(heard)
        self._said.append(said)
        self._running.add(asyncio.current_task())
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, back, heard))
            group.create_task(_copy(there, writer, said))

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await asyncio.gather(*self._running)


async def _copy(reader, writer, kept):
    try:
        while chunk := await reader.read(65536):
            kept += chunk
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def tee(address):
    """A running one, in a thread of its own; a context manager."""
    return in_thread(Tee(address))

"""An upstream with WebSockets: it plays its script message by message, and keeps what it saw."""

import asyncio
import json

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

CUT = "cut"
"""The connection breaks."""


class SocketUpstream:
    """`script`: for each message that comes, what is said: events, `CUT`, or an event to wait for."""

    def __init__(self, *script):
        self.script = list(script)
        self.messages = []
        """(number of the connection, message) as they came."""
        self.arrived = asyncio.Event()
        self.heads = []
        """The header fields of each handshake."""
        self.open = []
        self.all_gone = asyncio.Event()

    async def __aenter__(self):
        self._server = await serve(self._talk, "127.0.0.1", 0, max_size=None)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, connection):
        number = len(self.heads)
        self.heads.append(connection.request.headers)
        self.open.append(connection)
        self.all_gone.clear()
        try:
            async for message in connection:
                self.messages.append((number, json.loads(message)))
                self.arrived.set()
                for step in self.script.pop(0):
                    if step == CUT:
                        connection.transport.abort()
                        return
                    if isinstance(step, asyncio.Event):
                        await step.wait()
                    else:
                        await connection.send(json.dumps(step))
        except ConnectionClosed:
            pass
        finally:
            self.open.remove(connection)
            if not self.open:
                self.all_gone.set()

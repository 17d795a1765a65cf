"""A scripted upstream: a real HTTP/1.1 server on loopback that plays what a test wrote and keeps what it saw.

    async with Upstream(sse(b'{"a":1}', b"[DONE]"), json_reply({"ok": True})) as upstream:
        ...                                   # point the backend at `upstream.url`
        assert upstream.requests[0].json()["model"] == "m"

A reply's body is bytes, or steps: bytes (written and flushed as one chunk), a `Gate` or `asyncio.Event`
(waits until it is opened), `RESET` (the connection breaks), `CLOSE` (it ends, without a terminal chunk),
`HANG` (nothing more, until the client leaves). `Reply.before` holds the steps before the head; bytes there
are sent raw. A script is played reply by reply; `always` answers what comes after it. An entry may also be a
function of the request.
"""

import asyncio
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Action = Literal["reset", "close", "hang"]
RESET: Action = "reset"
CLOSE: Action = "close"
HANG: Action = "hang"


class Gate:
    """A pause in a script: the server sets `reached` when it stands before it, `open` lets it go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Lets the script go on; may be called from another thread."""
        if self._loop is None:
            self.opened.set()
        else:
            self._loop.call_soon_threadsafe(self.opened.set)

    async def wait(self) -> None:
        """Waits until it is open."""
        self._loop = asyncio.get_running_loop()
        self.reached.set()
        await self.opened.wait()


Step = bytes | Gate | asyncio.Event | Action


@dataclass(frozen=True)
class Reply:
    """One answer.

    A `content-length` or `transfer-encoding` among the headers is sent as written, right or wrong; the body
    is then written as it stands, and the connection closed.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Sequence[Step] = b""
    before: Sequence[Step] = ()
    chunked: bool | None = None
    """None: if the body is steps. False with steps: no length, the end of the connection is the end."""


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    """In order, names as they were spelled."""
    body: bytes
    connection: int
    """Which connection it came over, from 0."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """The client left before the reply was whole."""
    gone_at: float | None = None
    """When, by `loop.time()`."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """The reply has been played to its end."""

    def header(self, name: str) -> str | None:
        """The first field of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


Answer = Reply | Callable[[Seen], Reply]


def json_reply(data: object, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """A JSON body with its length."""
    return Reply(status, (("content-type", "application/json"), *headers), json.dumps(data).encode())


def sse(*frames: Step, headers: Sequence[tuple[str, str]] = (), end: Sequence[Step] = ()) -> Reply:
    """A stream: bytes that begin with `{` or `[` become `data:` frames; the rest stands as it is."""
    steps = [b"data: " + f + b"\n\n" if isinstance(f, bytes) and f[:1] in (b"{", b"[") else f for f in frames]
    return Reply(200, (("content-type", "text/event-stream"), *headers), (*steps, *end), chunked=True)


def cut(data: bytes, *places: int) -> list[Step]:
    """The data as chunks, cut at the given places."""
    edges = [0, *places, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


class _Connection(asyncio.StreamReaderProtocol):
    """Reports the client's leaving at once, whatever the server is doing then."""

    def __init__(self, upstream: "Upstream") -> None:
        self._stream = asyncio.StreamReader()
        super().__init__(self._stream, self._serve)
        self.upstream = upstream
        self.number = 0
        self.lost = asyncio.Event()
        self.current: Seen | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.number = self.upstream.connections
        self.upstream.connections += 1
        self.upstream.open.add(self)
        self.upstream.idle.clear()
        super().connection_made(transport)

    def eof_received(self) -> bool | None:
        self._gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        self.upstream.forget(self)
        super().connection_lost(exc)

    def _gone(self) -> None:
        self.lost.set()
        if self.current is not None and not self.current.finished.is_set() and not self.current.gone.is_set():
            self.current.gone_at = asyncio.get_running_loop().time()
            self.current.gone.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        try:
            while (seen := await _read_request(reader, self.number)) is not None:
                self.current = seen
                self.upstream.requests.append(seen)
                self.upstream.arrived.set()
                keep = await self._play(self.upstream.answer(seen), seen)
                if not keep:
                    break
                seen.finished.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            self._gone()
        finally:
            writer.close()

    async def _play(self, reply: Reply, seen: Seen) -> bool:
        if not await self._steps(reply.before, chunked=False):
            return False
        head, chunked, keep = _head(reply)
        self.writer.write(head)
        if seen.method == "HEAD" or reply.status in (204, 304):
            return keep
        steps = [reply.body] if isinstance(reply.body, bytes) else reply.body
        if not await self._steps(steps, chunked=chunked):
            return False
        if chunked:
            self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        if not keep:
            seen.finished.set()
        return keep

    async def _steps(self, steps: Sequence[Step], *, chunked: bool) -> bool:
        """Whether the exchange goes on after them."""
        for step in steps:
            if isinstance(step, bytes):
                self.writer.write(b"%x\r\n%s\r\n" % (len(step), step) if chunked and step else step)
                await self.writer.drain()
            elif step == RESET:
                self.reset()
                return False
            elif step == CLOSE:
                return False
            elif step == HANG:
                await self.lost.wait()
                return False
            elif not await self._unless_lost(step.wait()):
                return False
        return True

    async def _unless_lost(self, waiting: Coroutine[Any, Any, object]) -> bool:
        tasks = [asyncio.ensure_future(waiting), asyncio.ensure_future(self.lost.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def reset(self) -> None:
        """Breaks the connection with a TCP reset."""
        plain = self.transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Upstream:
    """The server; an async context manager."""

    def __init__(
        self,
        *script: Answer,
        always: Answer | None = None,
        tls: Any = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.requests: list[Seen] = []
        self.arrived = asyncio.Event()
        """Set at every request's arrival; a test clears it to wait for the next."""
        self.connections = 0
        """How many there have been."""
        self.open: set[_Connection] = set()
        self.idle = asyncio.Event()
        """Set while no connection is open."""
        self.script: list[Answer] = list(script)
        self.always = always
        self.port = port
        self._tls = tls
        self._host = host

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def then(self, *replies: Answer) -> None:
        """Adds to the script."""
        self.script.extend(replies)

    def answer(self, seen: Seen) -> Reply:
        """What the script says to a request."""
        answer = self.script.pop(0) if self.script else self.always
        if answer is None:
            return json_reply({"error": {"message": f"the script has no reply to {seen.target}"}}, status=599)
        return answer if isinstance(answer, Reply) else answer(seen)

    async def request(self, number: int = 0) -> Seen:
        """The request of that number, as soon as it is here."""
        while len(self.requests) <= number:
            self.arrived.clear()
            await self.arrived.wait()
        return self.requests[number]

    def forget(self, connection: _Connection) -> None:
        """A connection has ended."""
        self.open.discard(connection)
        if not self.open:
            self.idle.set()

    def close_idle(self) -> None:
        """Closes every open connection from the server's side."""
        for connection in tuple(self.open):
            connection.transport.close()

    async def __aenter__(self) -> "Upstream":
        loop = asyncio.get_running_loop()
        made = loop.create_server(lambda: _Connection(self), self._host, self.port, ssl=self._tls)
        self._server = await made
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in tuple(self.open):
            connection.transport.abort()
        if self.open:
            await self.idle.wait()
        await self._server.wait_closed()


def run(work: Coroutine[Any, Any, T], deadline: float = 20.0) -> T:
    """Runs a test's coroutine, which fails if it is not done by the deadline."""

    async def bounded() -> T:
        async with asyncio.timeout(deadline):
            return await work

    with asyncio.Runner(loop_factory=_factories[-1]) as runner:
        return runner.run(bounded())


_factories: list[Callable[[], asyncio.AbstractEventLoop] | None] = [None]


@contextmanager
def on_loops_of(factory: Callable[[], asyncio.AbstractEventLoop] | None) -> Iterator[None]:
    """Within it `run` takes event loops from there; None: asyncio's own."""
    _factories.append(factory)
    try:
        yield
    finally:
        _factories.pop()


@contextmanager
def in_thread(upstream: Upstream) -> Iterator[Upstream]:
    """The server in a thread of its own, for clients that block."""
    started = threading.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        async with upstream:
            started.set()
            await box["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10), "the scripted upstream did not start"
    try:
        yield upstream
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(10)


def _head(reply: Reply) -> tuple[bytes, bool, bool]:
    """The head's bytes; whether the body is chunked; whether the connection lives on."""
    names = {name.lower() for name, _ in reply.headers}
    fields = list(reply.headers)
    own = "content-length" in names or "transfer-encoding" in names
    chunked = not isinstance(reply.body, bytes) if reply.chunked is None else reply.chunked
    keep = ("connection", "close") not in {(name.lower(), value.lower()) for name, value in reply.headers}
    if own:
        keep = False
    elif chunked:
        fields.append(("transfer-encoding", "chunked"))
    elif isinstance(reply.body, bytes):
        fields.append(("content-length", str(len(reply.body))))
    else:
        fields.append(("connection", "close"))
        keep = False
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1"), chunked and not own, keep


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    """The next request; None where the client sends no more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    fields = {name.lower(): value for name, value in headers}
    if "chunked" in fields.get("transfer-encoding", ""):
        body = await _read_chunked(reader)
    else:
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    return Seen(method, target, headers, body, connection)


async def _read_chunked(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test pushes on: time limits pass without waiting."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def jump(self, seconds: float) -> None:
        """Moves the clock on."""
        self.ahead += seconds


def run_jumping(scenario: Callable[[JumpingLoop], Coroutine[Any, Any, T]]) -> T:
    """Runs a test's coroutine on a loop whose clock it may push on."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, JumpingLoop)
        return runner.run(scenario(loop))

"""The overhead: what a request through pointsman costs on this machine, measured on the spot.

An endpoint of this process's own, before a server on loopback that answers at once.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from pointsman.cli.checks.finding import Finding
from pointsman.library import Gateway

REQUESTS = 200
WARM = 30
SLOW = 20.0
"""Milliseconds that are too many."""
_BODY = json.dumps({"model": "here:m", "messages": [{"role": "user", "content": "Hello"}]}).encode()
_ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_CONFIG = (
    '[backends.here]\nprovider = "openai-compatible"\nbase_url = "http://127.0.0.1:{}/v1"\nmodels = ["m"]\n'
)


def measured() -> Finding:
    """Milliseconds that a small request takes longer, and CPU microseconds."""
    with tempfile.TemporaryDirectory(prefix="pointsman-doctor-") as folder:
        direct, through, cpu = asyncio.run(_measure(Path(folder)))
    added = through - direct
    said = f"adds {added:.2f} ms to a request (the median of {REQUESTS}), {cpu:.0f} µs of CPU with both ends"
    facts = {"added_ms": round(added, 3), "cpu_us": round(cpu)}
    if added > SLOW:
        return Finding("warn", "overhead", said, "look what else keeps this machine busy", facts)
    return Finding("ok", "overhead", said, facts=facts)


async def _measure(folder: Path) -> tuple[float, float, float]:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (folder / "config.toml").write_text(_CONFIG.format(port))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POINTSMAN_")}
    environment = {**kept, "POINTSMAN_HOME": str(folder)}
    async with server, Gateway(environment=environment, discover=False, host="127.0.0.1") as gateway:
        direct, _ = await _ask(port)
        through, cpu = await _ask(gateway.port)
    return direct, through, cpu


async def _ask(port: int) -> tuple[float, float]:
    """The median in milliseconds, and CPU microseconds of one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    )
    request = f"{head}content-length: {len(_BODY)}\r\n\r\n".encode() + _BODY
    times: list[float] = []
    cpu = 0.0
    for number in range(WARM + REQUESTS):
        if number == WARM:
            cpu = time.process_time()
        began = time.perf_counter()
        writer.write(request)
        await _whole(reader)
        times.append(time.perf_counter() - began)
    spent = (time.process_time() - cpu) / REQUESTS * 1e6
    writer.close()
    await writer.wait_closed()
    return statistics.median(times[WARM:]) * 1000, spent


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """One message with a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await _whole(reader)
            writer.write(_HEAD % len(_ANSWER) + _ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

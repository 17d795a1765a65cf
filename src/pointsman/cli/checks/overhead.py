"""The overhead: what pointsman adds to a request on this machine, measured now, before a stand-in."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from statistics import median
from urllib.parse import urlsplit

from pointsman.canon.errors import PointsmanError
from pointsman.cli.checks.finding import Finding, ok, warn
from pointsman.cli.checks.own_endpoint import KEY, NAME, own_endpoint
from pointsman.cli.checks.scene import Scene
from pointsman.cli.checks.stand_in import MODEL

WARM, REQUESTS = 30, 200
SLOW = 10.0
"""Milliseconds; more than that says that the machine is busy."""
PATH = "/v1/chat/completions"


def check(_: Scene) -> Iterator[Finding]:
    """One line."""
    try:
        added, cpu = measure()
    except (PointsmanError, OSError, HTTPException, TimeoutError) as error:
        yield warn("overhead", f"it could not be measured: {error}")
        return
    words = f"{added:.2f} ms a request (p50 of {REQUESTS}), {cpu:.0f} µs of CPU"
    if added > SLOW:
        yield warn("overhead", f"{words}: this machine is busy", "`top` says with what")
    else:
        yield ok("overhead", words)


def measure() -> tuple[float, float]:
    """Milliseconds that the way through pointsman adds, and microseconds of CPU that it takes."""
    with own_endpoint() as endpoint:
        direct = _median(endpoint.behind, MODEL, WARM + REQUESTS)
        _median(endpoint.url, f"{NAME}:{MODEL}", WARM)
        before = endpoint.cpu()
        through = _median(endpoint.url, f"{NAME}:{MODEL}", REQUESTS)
        cpu = (endpoint.cpu() - before) / REQUESTS
    return max(0.0, (through - direct) * 1e3), cpu * 1e6


def _median(url: str, model: str, requests: int) -> float:
    """Seconds of one request over a connection that stays. Raises OSError, HTTPException."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
    fields = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    try:
        return median(_one(connection, body, fields) for _ in range(requests))
    finally:
        connection.close()


def _one(connection: HTTPConnection, body: str, fields: dict[str, str]) -> float:
    began = time.perf_counter()
    connection.request("POST", PATH, body, fields)
    response = connection.getresponse()
    said = response.read()
    if response.status != 200:
        raise OSError(f"status {response.status}: {said[:200].decode('utf-8', 'replace')}")
    return time.perf_counter() - began

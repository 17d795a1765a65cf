"""A client's handshake, replayed: what it sends for a first answer, cut down to the least."""

import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit

from pointsman.catalog.client import Client, Step
from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.config.environment import PLACEHOLDER

WITHIN = 120.0
"""Seconds of silence; the model inside pointsman may have to be loaded first."""
MOST = 1024 * 1024
"""Bytes of an answer that are read."""
BEARER = "authorization"


def replay(client: Client, url: str, key: str | None, model: str) -> Iterator[Finding]:
    """One line for each step."""
    if not client.handshake:
        why = f"no handshake of {client.title} is known"
        yield warn(f"{client.name}", why, f"{client.page} says how to set it up")
    for step in client.handshake:
        yield _one(client, step, url, key or PLACEHOLDER, model)


def _one(client: Client, step: Step, url: str, key: str, model: str) -> Finding:
    what, began = f"{client.name} {step.what}", time.monotonic()
    path = step.path.replace("{model}", quote(model, safe=":"))
    try:
        status, body = _send(url, step, path, _fields(client, step, key), model)
    except (OSError, HTTPException) as error:
        return fail(what, f"{step.method} {path} broke off: {error}", "`pointsman status`")
    told = f"{step.method} {path} answers {status} in {time.monotonic() - began:.2f} s"
    if status == 404 and step.missing:
        return ok(what, f"{told}, with which {client.title} is content")
    if status >= 400:
        said = body[:300].decode("utf-8", "replace")
        return fail(what, f"{told}: {said}", _mend(status, model))
    if step.expects and not any(each.encode() in body for each in step.expects):
        ends = " or ".join(step.expects)
        return fail(what, f"{told}, and the answer has no {ends}", f"`pointsman explain {model}`")
    return ok(what, told)


def _fields(client: Client, step: Step, key: str) -> dict[str, str]:
    credential = f"Bearer {key}" if client.credential_header == BEARER else key
    return {"content-type": "application/json", client.credential_header: credential, **step.headers}


def _send(url: str, step: Step, path: str, fields: dict[str, str], model: str) -> tuple[int, bytes]:
    """Raises OSError, HTTPException."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN)
    body = None if step.body is None else step.body.replace("{model}", model).encode()
    try:
        connection.request(step.method, path, body, fields)
        response = connection.getresponse()
        return response.status, response.read(MOST)
    finally:
        connection.close()


def _mend(status: int, model: str) -> str:
    if status == 401:
        return "set POINTSMAN_API_KEY to the endpoint's key"
    return f"`pointsman explain {model}`, and `pointsman weights` for the model inside"

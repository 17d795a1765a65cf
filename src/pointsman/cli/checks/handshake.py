"""A client's handshake: the requests that it begins with, sent to the running endpoint as it sends them.

What it looks for first (models, a count of tokens), then one token of an answer, streamed.
"""

import json
from collections.abc import Iterator, Sequence

from pointsman.canon.blocks import Text
from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, Request
from pointsman.canon.traits import Target
from pointsman.catalog.client import Client
from pointsman.cli.ask import path_of
from pointsman.cli.checks.finding import Finding
from pointsman.control.endpoint import EndpointClient
from pointsman.dialects.dialect import Dialect
from pointsman.dialects.registry import DIALECTS
from pointsman.wire.json import encode

PROMPT = "Say hello."
TOKENS = 16
"""As few as every provider takes."""


def handshake(client: Client, endpoint: EndpointClient, model: str) -> Iterator[Finding]:
    """The steps, in each API that the client speaks."""
    for name in client.dialects:
        dialect = DIALECTS[name]
        fields = {**dict(dialect.request_headers), "user-agent": _agent(client)}
        yield _models(client, dialect, endpoint, fields)
        if dialect.count_request is not None:
            yield _counted(client, dialect, endpoint, fields, model)
        yield _answered(client, dialect, endpoint, fields, model)


def _agent(client: Client) -> str:
    pattern = next(iter(client.user_agents), client.name)
    return pattern.replace("*", "0")


def _models(client: Client, dialect: Dialect, endpoint: EndpointClient, fields: dict[str, str]) -> Finding:
    path = f"{dialect.version_prefix}/models"
    try:
        found: Json = json.loads(b"".join(endpoint.send("GET", path, None, headers=fields, timeout=10.0)))
    except (PointsmanError, ValueError) as error:
        return Finding("fail", f"{client.name}: models", f"GET {path}: {error}", "`pointsman status`")
    listed: Sequence[Json] = found.get("data") or found.get("models") or ()
    return Finding("ok", f"{client.name}: models", f"GET {path} lists {len(listed)}")


def _request(dialect: Dialect, model: str, *, stream: bool) -> bytes:
    request = Request(
        dialect="",
        model=model,
        messages=(Message("user", (Text(PROMPT),), form="text"),),
        max_tokens=TOKENS,
        stream=stream,
    )
    return encode(dialect.encode_request(request, Target(model, "")).body)


def _counted(
    client: Client, dialect: Dialect, endpoint: EndpointClient, fields: dict[str, str], model: str
) -> Finding:
    about, path = f"{client.name}: tokens", path_of(dialect, model, "count_tokens")
    body = _request(dialect, model, stream=False)
    try:
        told = b"".join(endpoint.send("POST", path, body, headers=fields, timeout=30.0))
    except PointsmanError as error:
        return Finding("warn", about, f"POST {path}: {error}", f"`pointsman explain {model}`")
    return Finding("ok", about, f"POST {path}: {told[:100].decode('utf-8', 'replace')}")


def _answered(
    client: Client, dialect: Dialect, endpoint: EndpointClient, fields: dict[str, str], model: str
) -> Finding:
    about, path = f"{client.name}: answer", path_of(dialect, model)
    body = _request(dialect, model, stream=True)
    try:
        size = sum(len(piece) for piece in endpoint.send("POST", path, body, headers=fields))
    except PointsmanError as error:
        return Finding("fail", about, f"POST {path}: {error}", f"`pointsman explain {model}`")
    return Finding("ok", about, f"POST {path}: {size:,} bytes of {model}'s answer")

"""Clouds as scripted upstreams: event streams, and signatures that botocore checks."""

import base64
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from rig import rig

from pointsman.wire.event_stream import encode_message
from scripted import Reply

ACCESS, SECRET, TOKEN = "AKIDCANARY", "aws-canary-secret-9f1e", "aws-canary-token-77aa"
REGION = "eu-central-1"


def event(name, data):
    """One event of a stream, as Bedrock sends it: with padding."""
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, json.dumps({**data, "p": "abcdefghijk"}).encode())


def exception(name, text):
    """An exception in a stream."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return encode_message(headers, json.dumps({"message": text}).encode())


def chunk(data):
    """An event of the model's own, as InvokeModelWithResponseStream wraps it."""
    return event("chunk", {"bytes": base64.b64encode(json.dumps(data).encode()).decode()})


def event_stream(*steps):
    """A reply that streams these messages."""
    return Reply(200, (("content-type", "application/vnd.amazon.eventstream"),), steps, chunked=True)


CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello there"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13},
    "metrics": {"latencyMs": 3},
}
CONVERSING = (
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " there"}}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("messageStop", {"stopReason": "end_turn"}),
    event("metadata", {"usage": CONVERSED["usage"], "metrics": {"latencyMs": 3}}),
)


def signature_of(seen, base, service):
    """What botocore's own signer makes of a request that arrived, given the time that it names."""
    date = seen.header("x-amz-date")
    own = {name: seen.header(name) for name in ("content-type",) if seen.header(name) is not None}
    url = urlsplit(base)._replace(path="", query="").geturl() + seen.target
    request = AWSRequest(method=seen.method, url=url, data=seen.body, headers=own)
    signer = SigV4Auth(Credentials(ACCESS, SECRET, TOKEN), service, REGION)
    request.context["timestamp"] = date
    request.headers["X-Amz-Date"] = date
    request.headers["X-Amz-Security-Token"] = TOKEN
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request)


def assert_signed(seen, base, service="bedrock"):
    """The request carries the signature that belongs to exactly these bytes."""
    told = seen.header("authorization")
    assert told.startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS}/")
    assert f"/{REGION}/{service}/aws4_request" in told
    assert seen.header("x-amz-security-token") == TOKEN
    assert told.rpartition("Signature=")[2] == signature_of(seen, base, service)


@asynccontextmanager
async def cloud(server, provider="bedrock", *lines, **more):
    """A gateway with one backend, `cloud`, of this provider."""
    table = [
        "[backends.cloud]",
        f'provider = "{provider}"',
        f'base_url = "{server.url}"',
        f'region = "{REGION}"',
        *lines,
    ]
    async with rig(settings="\n".join(table), **more) as gateway:
        yield gateway


async def ask(gateway, voice, model, **fields):
    named = {"model": f"cloud:{model}", **fields}
    return await gateway.post(voice.target(**named), voice.request(**named), *voice.headers)

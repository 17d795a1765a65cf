"""The endpoint under another server, with a lifespan and without one."""

import asyncio
import gc
import json

import pytest

from pointsman.asgi import Application
from scripted import json_reply

ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
}
QUESTION = {"model": "desk:m1", "messages": [{"role": "user", "content": "x"}]}


@pytest.fixture
def application(home, threaded_upstream):
    home.mkdir()
    (home / "config.toml").write_text(
        "version = 1\ndiscover = false\n[backends.desk]\nprovider = 'openai-compatible'\nmodels = ['m1']\n"
        f"base_url = '{threaded_upstream.url}/v1'\n"
    )
    threaded_upstream.always = json_reply(ANSWER)
    return Application()


async def ask(application):
    """One request, and the status of its answer."""
    body = json.dumps(QUESTION).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }
    given = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        if given:
            return given.pop()
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return sent[0]["status"]


def test_a_server_without_a_lifespan_has_it_started_once_and_closed_with_its_loop(application):
    async def scenario():
        return await asyncio.gather(*(ask(application) for _ in range(3)))

    # Twice: a test client has a loop of its own for each request.
    statuses = [*asyncio.run(scenario()), *asyncio.run(scenario())]
    application.__dict__.clear()
    gc.collect()  # a session left open complains here

    assert statuses == [200] * 6


def test_a_server_with_a_lifespan_starts_and_stops_it(application):
    async def scenario():
        told = asyncio.Queue()
        said = asyncio.Queue()
        life = asyncio.ensure_future(application({"type": "lifespan"}, told.get, said.put))
        await told.put({"type": "lifespan.startup"})
        began = await said.get()
        status = await ask(application)
        await told.put({"type": "lifespan.shutdown"})
        ended = await said.get()
        await life
        return began["type"], status, ended["type"]

    assert asyncio.run(scenario()) == ("lifespan.startup.complete", 200, "lifespan.shutdown.complete")

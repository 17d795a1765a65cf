"""Every answer in the corpus, asked for in the other dialect: what pointsman renders fits the public schema.

The answers to the SDKs in the other tests are held against the schemas as well, by their transport.
"""

import json
from pathlib import Path

import httpx2
import pytest
from watching import validate

from scripted import Reply, json_reply

CORPUS = Path(__file__).parents[1] / "corpus"
FOLDERS = {"claude": CORPUS / "anthropic", "chat": CORPUS / "openai_chat"}
CLIENT = httpx2.Client(trust_env=False)
HELLO = [{"role": "user", "content": "Hello"}]
ERRORS = {"rate_limit": 429}
"""Statuses of the corpus' errors; others come as a 400."""


def cases(*folders):
    """Name of the upstream and file, for every file in the folders."""
    return [
        pytest.param(name, file, id=f"{name}-{file.name}")
        for name, root in FOLDERS.items()
        for folder in folders
        for file in sorted((root / folder).glob("*"))
    ]


def ask(address, side, **more):
    """Asks in the dialect that the upstream lacks; path, status, content type and body of the answer."""
    path = "/v1/chat/completions" if side.name == "claude" else "/v1/messages"
    body = {"model": side.model, "messages": HELLO, "max_tokens": 100, **more}
    received = b""
    with CLIENT.stream("POST", address + path, json=body) as response:
        try:
            for piece in response.iter_raw():
                received += piece
        except httpx2.RemoteProtocolError:
            assert more.get("stream")
    return path, response.status_code, response.headers["content-type"], received


def played(file):
    """The reply that the file holds."""
    if file.suffix == ".sse":
        return Reply(200, (("content-type", "text/event-stream"),), [file.read_bytes()], chunked=True)
    return json_reply(json.loads(file.read_text()))


@pytest.mark.parametrize(("name", "file"), cases("answers"))
def test_a_whole_answer_fits_the_schema(address, claude, chat, name, file):
    side = {"claude": claude, "chat": chat}[name]
    side.upstream.then(played(file))

    answer = ask(address, side)

    assert answer[1] == 200, answer[3]
    validate(*answer)


@pytest.mark.parametrize(("name", "file"), cases("streams"))
def test_a_stream_fits_the_schema_frame_by_frame(address, claude, chat, name, file):
    side = {"claude": claude, "chat": chat}[name]
    side.upstream.always = played(file)

    answer = ask(address, side, stream=True)

    assert answer[1:3] in ((200, "text/event-stream; charset=utf-8"), (502, "application/json"))
    validate(*answer)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("name", "file"), cases("errors"))
def test_an_error_fits_the_schema(address, claude, chat, name, file, stream):
    side = {"claude": claude, "chat": chat}[name]
    reply = played(file)
    if file.suffix == ".json":
        reply = Reply(ERRORS.get(file.stem, 400), reply.headers, reply.body)
    side.upstream.always = reply

    answer = ask(address, side, stream=stream)

    assert answer[1] >= 400 or b"error" in answer[3]
    validate(*answer)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"model": 7}',
        b"\xff\xfe{}",
        b'{"model": "gpt-5.2", "messages": []}',
        b'{"model": "claude-haiku-4-5", "messages": [], "max_tokens": 9}',
        b'{"model": "gpt-5.2", "messages": [{"role": "nobody", "content": "x"}], "max_tokens": 9}',
        b'{"model": "claude-haiku-4-5", "messages": [{"role": "nobody", "content": "x"}], "max_tokens": 9}',
        b'{"model": "unknown", "messages": [{"role": "user", "content": "x"}], "max_tokens": 9}',
    ],
    ids=str,
)
def test_a_refusal_of_bad_input_fits_the_schema(address, claude, chat, path, body):
    error = {"type": "invalid_request_error", "message": "messages: at least one is required"}
    claude.upstream.always = json_reply({"type": "error", "error": error, "request_id": "req_1"}, 400)
    chat.upstream.always = json_reply({"error": {**error, "param": "messages", "code": None}}, 400)

    response = CLIENT.post(address + path, content=body)

    assert response.status_code in {400, 404}
    validate(path, response.status_code, response.headers["content-type"], response.content)
